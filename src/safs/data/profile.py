"""What a data set is like, part by part: class balance, ranges, and examples that stand in it more than once."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from safs.data.dataset import PARTS, Examples, Part


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
    digests = {part: [hashlib.sha256(x.tobytes()).digest() for x in parts[part].x] for part in PARTS}
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
    ranges = []
    for channel in range(examples.x.shape[1]):
        x = examples.x[:, channel]
        ranges.append(Range(float(x.min()), float(x.mean(dtype=np.float64)), float(x.max())))
    return PartProfile(tuple(counts.tolist()), tuple(ranges), repeated)
