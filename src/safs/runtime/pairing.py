"""Which rows of a layer are computed two at a time, because much of what they read is the same.

A load that crosses a cache line takes longer than the arithmetic on what it brings. Two rows that are computed together load
once what both of them need; but their strips are half as long, so what only one of them needs costs somewhat more.
"""

import numpy as np
from numpy.typing import NDArray

from safs.runtime.network import Ints

LEAST_SHARED = 0.4  # of the nonzeros of two rows: with less they are quicker one by one,
LEAST, LEAST_VECTORS = 48, 24  # and so they are with fewer nonzeros a row, or with few strips of them


def pairs(offsets: Ints, starts: Ints, vectors: int) -> Ints:
    """Rows that share the most, each at most once, as far as that makes them quicker.

    Args:
        offsets: what each nonzero reads, row after row.
        starts: the first nonzero of every row, and one past the last row's last.
        vectors: what covers a row's outputs.

    Returns:
        Numbers of rows, [pairs, 2].
    """
    none = np.zeros((0, 2), np.int64)
    counts = np.diff(starts)
    rows = np.flatnonzero(counts >= LEAST)
    if vectors < LEAST_VECTORS or len(rows) < 2:
        return none
    used, place = np.unique(offsets, return_inverse=True)
    if len(offsets) < LEAST_SHARED / 2 * len(counts) * len(used):
        return none
    read = np.zeros((len(counts), len(used)), np.float32)
    read[np.repeat(np.arange(len(counts)), counts), place] = 1
    one, other = np.triu_indices(len(rows), 1)
    one, other = rows[one], rows[other]
    shared = 2 * (read @ read.T)[one, other] / (counts[one] + counts[other])
    order = np.argsort(-shared, kind="stable")[: np.count_nonzero(shared >= LEAST_SHARED)]
    free, found = set(rows.tolist()), []
    for pair in zip(one[order].tolist(), other[order].tolist(), strict=True):
        if free.issuperset(pair):
            free.difference_update(pair)
            found.append(pair)
    return np.array(found, np.int64).reshape(-1, 2)


def twice(unit: Ints, offsets: Ints, row: Ints) -> NDArray[np.bool_]:
    """Which nonzeros read the same as a neighbour in another row of their unit; sorted by unit, offset and row."""
    equal: NDArray[np.bool_] = (np.diff(offsets) == 0) & (np.diff(unit) == 0) & (np.diff(row) != 0)
    either: NDArray[np.bool_] = np.append(False, equal) | np.append(equal, False)
    return either
