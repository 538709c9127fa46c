"""What a data set is like, part by part: class balance, ranges, and examples that stand in it more than once."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from safs.data.dataset import PARTS, Examples, Part
from safs.data.rows import chunks


@dataclass(frozen=True)
class Range:
    """The values of one channel of a part."""

    low: float
    mean: float
    high: float


@dataclass(frozen=True)
class PartProfile:
    """One part.

    Attributes:
        counts: examples of each class.
        ranges: values of each channel, pixels from 0 to 255, series as they are.
        repeated: examples that equal an earlier one of the same part.
    """

    counts: tuple[int, ...]
    ranges: tuple[Range, ...]
    repeated: int


@dataclass(frozen=True)
class Profile:
    """A data set.

    Attributes:
        parts: each part.
        shared: two parts, and how many examples of the second stand in the first too.
        conflicts: different examples that stand in more than one class.
    """

    parts: Mapping[Part, PartProfile]
    shared: tuple[tuple[Part, Part, int], ...]
    conflicts: int


def profile(parts: Mapping[Part, Examples], classes: Sequence[str]) -> Profile:
    """Look at all parts of a data set, one example at a time."""
    digests = {
        part: [hashlib.sha256(x.tobytes()).digest() for chunk in chunks(parts[part].x) for x in chunk] for part in PARTS
    }
    homes: dict[bytes, set[int]] = {}
    for part in PARTS:
        for digest, label in zip(digests[part], parts[part].y.tolist(), strict=True):
            homes.setdefault(digest, set()).add(label)
    known = {part: set(found) for part, found in digests.items()}
    pairs = [(one, two, sum(digest in known[one] for digest in digests[two])) for one, two in combinations(PARTS, 2)]
    return Profile(
        {part: _look(parts[part], len(digests[part]) - len(known[part]), len(classes)) for part in PARTS},
        tuple(pairs),
        sum(len(labels) > 1 for labels in homes.values()),
    )


def _look(examples: Examples, repeated: int, classes: int) -> PartProfile:
    counts = np.bincount(examples.y, minlength=classes)
    channels, count = examples.x.shape[1], examples.x.shape[0] * int(np.prod(examples.x.shape[2:]))
    lows, sums, highs = np.full(channels, np.inf), np.zeros(channels), np.full(channels, -np.inf)
    for chunk in chunks(examples.x):
        flat = chunk.reshape(*chunk.shape[:2], -1)
        lows, highs = np.minimum(lows, flat.min((0, 2))), np.maximum(highs, flat.max((0, 2)))
        sums += flat.sum((0, 2), dtype=np.float64)
    ranges = [Range(*values) for values in zip(lows.tolist(), (sums / count).tolist(), highs.tolist(), strict=True)]
    return PartProfile(tuple(counts.tolist()), tuple(ranges), repeated)
