import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safs.runtime.pairing import LEAST, LEAST_SHARED, LEAST_VECTORS, pairs, twice


def layer(rows, taps, density, seed):
    """What the nonzeros of a random layer read, in order in each row, and where the rows start."""
    taken = np.random.default_rng(seed).random((rows, taps)) < density
    return 4 * np.nonzero(taken)[1], np.concatenate([[0], np.cumsum(taken.sum(1))]), taken


@given(st.integers(1, 30), st.integers(1, 300), st.floats(0, 1), st.integers(0, 99))
def test_a_row_is_paired_once_and_with_one_that_reads_much_of_the_same(rows, taps, density, seed):
    offsets, starts, taken = layer(rows, taps, density, seed)
    found = pairs(offsets, starts, LEAST_VECTORS)
    assert len(np.unique(found)) == found.size
    for one, other in found:
        shared = 2 * np.count_nonzero(taken[one] & taken[other])
        assert shared >= LEAST_SHARED * (taken[one].sum() + taken[other].sum()) - 1e-3
        assert min(taken[one].sum(), taken[other].sum()) >= LEAST


@pytest.mark.parametrize(("density", "vectors", "paired"), [(0.7, 24, True), (0.7, 23, False), (0.1, 24, False)])
def test_only_rows_of_dense_layers_with_large_planes_are_paired(density, vectors, paired):
    offsets, starts, _ = layer(16, 200, density, 0)
    assert len(pairs(offsets, starts, vectors)) == (8 if paired else 0)


def test_the_rows_that_share_the_most_come_together():
    same = np.arange(0, 4 * LEAST, 4)
    rows = [same, same + 4 * LEAST, same, same + 4 * LEAST]
    found = pairs(np.concatenate(rows), np.arange(5) * LEAST, LEAST_VECTORS)
    assert {tuple(pair) for pair in found.tolist()} == {(0, 2), (1, 3)}


def test_twice_is_what_two_rows_of_one_unit_read():
    unit, offsets = np.array([0, 0, 0, 1, 1, 1, 1, 2]), np.array([4, 8, 8, 8, 12, 12, 12, 12])
    row = np.array([0, 0, 3, 2, 1, 1, 2, 4])
    assert twice(unit, offsets, row).tolist() == [False, True, True, False, False, True, True, False]
    assert not twice(unit[:1], offsets[:1], row[:1]).any()
