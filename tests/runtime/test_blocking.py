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


@given(st.integers(1, 40), st.integers(0, 90), st.integers(1, 100_000), st.integers(1, 12), st.integers(0, 99))
def test_every_row_takes_each_of_its_nonzeros_once(rows, most, span, vectors, seed):
    offsets, starts = layer(rows, most, span, seed)
    found = parts(offsets, starts, vectors * WIDTH)
    taken = {row: [] for row in range(rows)}
    begun, complete = set(), set()
    for row, start, end, first, last in zip(found.row, found.start, found.end, found.first, found.last, strict=True):
        assert first == (row not in begun)
        assert row not in complete
        begun.add(row)
        complete |= {row} if last else set()
        taken[row] += found.order[start:end].tolist()
    assert begun == complete == set(range(rows))
    assert all(sorted(taken[row]) == list(range(starts[row], starts[row + 1])) for row in range(rows))


@pytest.mark.parametrize(("span", "parted"), [(FIRST_CACHE // 2, False), (20 * FIRST_CACHE, True)])
def test_a_part_reads_no_more_than_the_first_cache_holds(span, parted):
    offsets, starts = layer(64, 2000, span, 0)
    length = 12 * WIDTH
    found = parts(offsets, starts, length)
    assert (len(found.row) > 64) == parted
    limits = np.flatnonzero(np.diff(found.row) < 0) + 1  # a part begins where the rows begin again
    for some in np.split(np.arange(len(found.row)), limits):
        read = offsets[found.order[found.start[some[0]] : found.end[some[-1]]]]
        assert np.minimum(np.diff(np.unique(read)), length).sum() <= FIRST_CACHE + length


def test_rows_with_few_nonzeros_are_not_parted():
    offsets, starts = layer(64, 8, 20 * FIRST_CACHE, 0)
    assert len(parts(offsets, starts, 12 * WIDTH).row) == 64
