import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safs.runtime.blocking import FIRST_CACHE, parts
from safs.runtime.lanes import WIDTH


def layer(rows, most, span, seed):
    """Offsets of random nonzeros, in order in each row, and where the rows start."""
    random = np.random.default_rng(seed)
    counts = random.integers(0, most + 1, rows)
    offsets = [np.sort(random.integers(0, span, count)) for count in counts]
    return np.concatenate(offsets).astype(np.int64), np.concatenate([[0], np.cumsum(counts)])


def whole(offsets, starts, length):
    """Parts of nonzeros of one kind."""
    return parts(offsets, starts, length, np.zeros(len(offsets), np.int64), 1)


@given(
    st.integers(1, 40),
    st.integers(0, 90),
    st.integers(1, 100_000),
    st.integers(1, 12),
    st.integers(1, 3),
    st.integers(0, 99),
)
def test_every_row_takes_each_of_its_nonzeros_once(rows, most, span, vectors, kinds, seed):
    offsets, starts = layer(rows, most, span, seed)
    kind = np.random.default_rng(seed).integers(0, kinds, len(offsets))
    found = parts(offsets, starts, vectors * WIDTH, kind, kinds)
    taken = {row: [] for row in range(rows)}
    begun, complete = set(), set()
    for row, bounds, first, last in zip(found.row, found.bounds, found.first, found.last, strict=True):
        assert first == (row not in begun)
        assert row not in complete
        begun.add(row)
        complete |= {row} if last else set()
        taken[row] += found.order[bounds[0] : bounds[-1]].tolist()
        assert all((kind[found.order[bounds[k] : bounds[k + 1]]] == k).all() for k in range(kinds))
    assert begun == complete == set(range(rows))
    assert all(sorted(taken[row]) == list(range(starts[row], starts[row + 1])) for row in range(rows))


@pytest.mark.parametrize(("span", "parted"), [(FIRST_CACHE // 2, False), (20 * FIRST_CACHE, True)])
def test_a_part_reads_no_more_than_the_first_cache_holds(span, parted):
    offsets, starts = layer(64, 2000, span, 0)
    length = 12 * WIDTH
    found = whole(offsets, starts, length)
    assert (len(found.row) > 64) == parted
    limits = np.flatnonzero(np.diff(found.row) < 0) + 1  # a part begins where the rows begin again
    for some in np.split(np.arange(len(found.row)), limits):
        read = offsets[found.order[found.bounds[some[0], 0] : found.bounds[some[-1], 1]]]
        assert np.minimum(np.diff(np.unique(read)), length).sum() <= FIRST_CACHE + length


def test_rows_with_few_nonzeros_are_not_parted():
    offsets, starts = layer(64, 8, 20 * FIRST_CACHE, 0)
    assert len(whole(offsets, starts, 12 * WIDTH).row) == 64
