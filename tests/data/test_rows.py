"""Examples that are read a piece at a time are those that are read at once, and quantiles are NumPy's."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from safs.data.pile import Room
from safs.data.quantiles import quantiles
from safs.data.rows import OnDisk, chunks, open_npy, pick, write_npy
from safs.errors import SafsError

X = np.random.default_rng(0).integers(0, 256, (50, 3, 4, 5), np.uint8)
ORDER = np.random.default_rng(1).permutation(50)
INDICES = [7, slice(None), slice(3, 9), slice(10, 60), ORDER, np.array([4, 4, 5, 6, 0]), np.array([], int)]


def stored(folder: Path) -> OnDisk:
    """X in a file."""
    write_npy(folder / "x.npy", X, hashlib.sha256())
    return open_npy(folder / "x.npy")


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_what_is_asked_for_is_read(tmp_path: Path, index):
    x = stored(tmp_path)
    np.testing.assert_array_equal(x[index], X[index])
    np.testing.assert_array_equal(pick(x, ORDER)[index], X[ORDER][index])
    np.testing.assert_array_equal(pick(pick(x, ORDER), ORDER > 9)[:], X[ORDER][ORDER > 9])


def test_chunks_are_everything_in_order(tmp_path: Path):
    pieces = list(chunks(pick(stored(tmp_path), ORDER), 7 * X[0].nbytes))
    assert [len(piece) for piece in pieces] == [7] * 7 + [1]
    np.testing.assert_array_equal(np.concatenate(pieces), X[ORDER])


def test_the_file_is_the_one_that_numpy_writes(tmp_path: Path):
    stored(tmp_path)
    np.save(tmp_path / "same.npy", X)
    assert (tmp_path / "x.npy").read_bytes() == (tmp_path / "same.npy").read_bytes()


def test_a_file_that_is_cut_is_refused(tmp_path: Path):
    x = stored(tmp_path)
    with x.path.open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(SafsError, match="shorter"):
        x[40]
    with pytest.raises(ValueError, match="shorter"):
        open_npy(x.path)


@pytest.mark.parametrize("limit", [0, 5 * X[0].nbytes, float("inf")])
def test_a_pile_gives_what_it_took(tmp_path: Path, limit: float):
    room = Room(limit, tmp_path)
    one, two = room.pile(), room.pile()
    for start in range(0, 50, 5):
        one.add(X[start : start + 5])
        two.add(X[start : start + 1])
        assert 2 * room.held <= limit
    np.testing.assert_array_equal(one.rows()[:], X)
    np.testing.assert_array_equal(two.rows()[:], X[::5])
    assert bool(list(tmp_path.iterdir())) == (limit < float("inf"))


values = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**100), max_value=2.0**100)


@given(
    arrays.arrays(np.float32, st.tuples(*[st.integers(1, 5)] * 3), elements=values | st.sampled_from([0.0, -0.0, 1.0])),
    st.lists(st.floats(0, 1), min_size=1, max_size=5),
)
def test_quantiles_are_those_of_numpy(x: np.ndarray, places: list[float]):
    wanted = [np.quantile(x[:, channel].astype(np.float64), places) for channel in range(x.shape[1])]
    np.testing.assert_array_equal(quantiles(x, places), wanted)
