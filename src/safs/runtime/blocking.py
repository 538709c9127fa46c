"""In which order a layer's nonzeros are taken, so that the input they read stays in a core's first cache.

A strip of outputs reads pieces of all planes of the input, again for every row. Where these pieces together are larger than
the cache, the nonzeros are parted by what they read: all rows take what they need from one part, then from the next.
A row that goes on adds to what it has stored.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safs.runtime.caches import cache
from safs.runtime.lanes import WIDTH
from safs.runtime.network import Ints

FIRST_CACHE = cache(1) * 3 // 16  # floats of the input in a part: three quarters of the cache
LEAST, LEAST_VECTORS = 6, 72  # nonzeros of a row in a part, and their products with vectors, that make up for going on


@dataclass(frozen=True)
class Parts:
    """Rows by parts of the input.

    Attributes:
        order: the nonzeros as they are taken.
        row: whose they are, one entry for each row in each part.
        bounds: an entry's first nonzero of each kind, and one past its last, [entries, kinds + 1].
        first: whether the row begins with this entry.
        last: whether the row is complete after it.
    """

    order: Ints
    row: Ints
    bounds: Ints
    first: NDArray[np.bool_]
    last: NDArray[np.bool_]


def parts(offsets: Ints, starts: Ints, length: int, kind: Ints, kinds: int) -> Parts:
    """Part the nonzeros of a layer.

    Args:
        offsets: what each nonzero reads, counted in floats from the arena's start, row after row.
        starts: the first nonzero of every row, and one past the last row's last.
        length: floats in a strip of outputs.
        kind: of each nonzero; an entry takes them kind after kind.
        kinds: how many there are.
    """
    count = len(starts) - 1
    row = np.repeat(np.arange(count), np.diff(starts))
    key = _part(offsets, count, length) * count + row
    entries = np.union1d(key, np.flatnonzero(np.diff(starts) == 0))  # a row without nonzeros has its bias
    key = key * kinds + kind
    order = np.argsort(key, kind="stable")
    bounds = np.searchsorted(key[order], entries[:, None] * kinds + np.arange(kinds + 1))
    rows = entries % count
    return Parts(order, rows, bounds, _first_seen(rows), _first_seen(rows[::-1])[::-1])


def _part(offsets: Ints, rows: int, length: int) -> Ints:
    """The part of the input that each nonzero reads from."""
    if len(offsets) == 0:
        return offsets
    used, place = np.unique(offsets, return_inverse=True)
    touched = np.minimum(np.diff(used, append=used[-1] + length), length)
    total = int(touched.sum())
    least = LEAST + LEAST_VECTORS * WIDTH // length
    number = max(1, min(-(-total // FIRST_CACHE), len(offsets) // (rows * least)))
    return ((np.cumsum(touched) - 1) * number // total)[place]


def _first_seen(values: Any) -> NDArray[np.bool_]:
    found = np.zeros(len(values), bool)
    found[np.unique(values, return_index=True)[1]] = True
    return found
