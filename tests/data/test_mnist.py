import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from safs.data.mnist import FASHION_CLASSES, FILES, VALIDATION, read_idx, read_mnist
from safs.errors import SafsError

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "MNIST"
TRAIN, TEST = VALIDATION + 7, 5


def idx(array: np.ndarray) -> bytes:
    """The bytes of an IDX file of unsigned bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def arrays() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    shapes = ((TRAIN, 2, 3), (TRAIN,), (TEST, 2, 3), (TEST,))
    return [random.integers(0, 256 if len(shape) == 3 else 10, shape, np.uint8) for shape in shapes]


def write(folder: Path, packed: bool = False) -> list[np.ndarray]:
    folder.mkdir(parents=True, exist_ok=True)
    written = arrays()
    for name, array in zip(FILES, written, strict=True):
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array), 1))
        else:
            (folder / name).write_bytes(idx(array))
    return written


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("place", [".", "raw", "MNIST/raw"])
def test_files_are_found_plain_and_packed_in_every_usual_place(tmp_path: Path, place: str, packed: bool):
    train_x, train_y, test_x, test_y = write(tmp_path / place, packed)
    parts = read_mnist(tmp_path)
    assert np.array_equal(parts["train"].x, train_x[:7, None])
    assert np.array_equal(parts["train"].y, train_y[:7])
    assert np.array_equal(parts["validation"].x, train_x[7:, None])
    assert np.array_equal(parts["validation"].y, train_y[7:])
    assert np.array_equal(parts["test"].x, test_x[:, None])
    assert np.array_equal(parts["test"].y, test_y)
    assert {part.y.dtype.name for part in parts.values()} == {"int64"}


def test_fashion_mnist_is_read_from_its_own_folder(tmp_path: Path):
    write(tmp_path / "MNIST" / "raw")
    with pytest.raises(SafsError, match="IDX files of FashionMNIST"):
        read_mnist(tmp_path, "FashionMNIST")
    _, _, test_x, _ = write(tmp_path / "FashionMNIST" / "raw")
    assert np.array_equal(read_mnist(tmp_path, "FashionMNIST")["test"].x, test_x[:, None])
    assert len(FASHION_CLASSES) == 10


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path: Path, name: str):
    write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(SafsError, match=f"no {name}"):
        read_mnist(tmp_path)


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_cut_short_anywhere_is_a_safs_error(tmp_path: Path, packed: bool):
    whole = idx(np.arange(6, dtype=np.uint8).reshape(1, 2, 3))
    raw = gzip.compress(whole) if packed else whole
    file = tmp_path / ("file.gz" if packed else "file")
    unexpected = {}
    for length in range(len(raw)):
        file.write_bytes(raw[:length])
        try:
            read_idx(file)
            unexpected[length] = "was read"
        except SafsError:
            pass
        except Exception as error:  # what a user would see as a traceback
            unexpected[length] = repr(error)
    assert unexpected == {}


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "wrong magic": lambda raw: b"\0\0\x09" + raw[3:],
    "text": lambda raw: b"<html>not found</html>",
    "one value too many": lambda raw: raw + b"\0",
    "a count too many": lambda raw: raw[:7] + bytes([raw[7] + 1]) + raw[8:],
    "a huge count": lambda raw: raw[:4] + b"\xff\xff\xff\xff" + raw[8:],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]):
    write(tmp_path)
    file = tmp_path / FILES[2]
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(SafsError, match=FILES[2]):
        read_mnist(tmp_path)


def test_a_packed_file_that_is_not_gzip_is_named(tmp_path: Path):
    write(tmp_path, packed=True)
    (tmp_path / f"{FILES[0]}.gz").write_bytes(b"not gzip at all")
    with pytest.raises(SafsError, match="is not a whole gzip file"):
        read_mnist(tmp_path)


def test_a_packed_file_with_a_flipped_bit_is_named(tmp_path: Path):
    write(tmp_path, packed=True)
    file = tmp_path / f"{FILES[2]}.gz"
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 4
    file.write_bytes(raw)
    with pytest.raises(SafsError, match=FILES[2]):
        read_mnist(tmp_path)


def test_images_and_labels_of_different_counts_are_refused(tmp_path: Path):
    write(tmp_path)
    (tmp_path / FILES[3]).write_bytes(idx(np.zeros(TEST + 1)))
    with pytest.raises(SafsError, match="do not belong together"):
        read_mnist(tmp_path)


def test_labels_in_place_of_images_are_refused(tmp_path: Path):
    write(tmp_path)
    shutil.copy(tmp_path / FILES[1], tmp_path / FILES[0])
    with pytest.raises(SafsError, match="do not belong together"):
        read_mnist(tmp_path)


def test_too_few_images_to_validate_are_refused(tmp_path: Path):
    write(tmp_path)
    (tmp_path / FILES[0]).write_bytes(idx(np.zeros((VALIDATION, 2, 3))))
    (tmp_path / FILES[1]).write_bytes(idx(np.zeros(VALIDATION)))
    with pytest.raises(SafsError, match="10000 training images"):
        read_mnist(tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no MNIST in {REAL}")
def test_the_real_mnist_is_split_as_the_paper_does():
    parts = read_mnist(REAL)
    assert {name: part.x.shape for name, part in parts.items()} == {
        "train": (50_000, 1, 28, 28),
        "validation": (10_000, 1, 28, 28),
        "test": (10_000, 1, 28, 28),
    }
    assert parts["test"].y[:5].tolist() == [7, 2, 1, 0, 4]
    assert parts["train"].y[:5].tolist() == [5, 0, 4, 1, 9]
