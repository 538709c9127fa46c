"""ImageNet downsampled to 16x16 pixels (Chrabaszcz et al. 2017, arXiv:1707.08819), from the published npz files."""

import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from safs.data.dataset import Examples, Part
from safs.data.split import split_off
from safs.errors import SafsError

ORIGIN = (
    "ImageNet 16x16, arXiv:1707.08819; validation is drawn from the training images, the official one is the test part"
)
CLASSES = tuple(str(number) for number in range(1, 1001))
FILES = tuple(f"train_data_batch_{number}" for number in range(1, 11))
TEST_FILE = "val_data"
SIDE = 16
LIMIT = 1 << 30  # bytes of an array; a published batch has 98 million
ZIP, PICKLE = b"PK\x03\x04", b"\x80"


def read_imagenet16(root: Path, split_seed: int) -> dict[Part, Examples]:
    """Read the ten training files and the official validation file, which becomes the test part.

    The reference code used one file for validation and test; here validation is drawn from the training images, as
    many as there are test images but at most a fifth of them.

    Args:
        root: a folder with `train_data_batch_1.npz` to `10` and `val_data.npz`; without the suffix will do.
        split_seed: decides which training images validate.

    Raises:
        SafsError: a file is missing, damaged, pickled or not what the paper describes.
    """
    pieces = [read_batch(find(root, name)) for name in FILES]
    test = read_batch(find(root, TEST_FILE))
    training = Examples(np.concatenate([piece.x for piece in pieces]), np.concatenate([piece.y for piece in pieces]))
    rest, validation = split_off(training, min(len(test.y), len(training.y) // 5), split_seed)
    return {"train": rest, "validation": validation, "test": test}


def find(root: Path, name: str) -> Path:
    """The path of a file below `root`, with or without its suffix.

    Raises:
        SafsError: it is not there.
    """
    for folder in (root, root / "Imagenet16_train_npz", root / "Imagenet16_val_npz"):
        for candidate in (folder / f"{name}.npz", folder / name):
            if candidate.is_file():
                return candidate
    raise SafsError(
        f"no {name}.npz in {str(root)!r}; set data_root to the folder that holds the npz files of ImageNet 16x16"
    )


def read_batch(path: Path) -> Examples:
    """Read a file with `data` [count, 768] uint8, channel by channel, and `labels` [count], 1 to 1,000.

    Raises:
        SafsError: the file is pickled, damaged or of another kind.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start[:1] == PICKLE:
        raise SafsError(
            f"{path} is the pickled form, and pickle can run any code; fetch the npz form of ImageNet 16x16"
        )
    if start != ZIP:
        raise SafsError(f"{path} is not an npz file: it starts with {start.hex()}; fetch it again")
    try:
        with zipfile.ZipFile(path) as archive:
            data, labels = (_read_member(archive, f"{name}.npy") for name in ("data", "labels"))
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, OSError, RuntimeError) as error:
        raise SafsError(f"{path} cannot be read: {error}; fetch it again") from None
    if data.dtype != np.uint8 or data.shape != (len(labels), 3 * SIDE * SIDE) or labels.dtype.kind not in "iu":
        raise SafsError(
            f"{path} has data {data.dtype} {data.shape} and labels {labels.dtype} {labels.shape}; for ImageNet 16x16 "
            "it is uint8 [count, 768] and integers [count]"
        )
    if len(labels) == 0 or labels.min() < 1 or labels.max() > len(CLASSES):
        raise SafsError(f"{path} has no labels or some outside of 1 to {len(CLASSES)}; fetch it again")
    return Examples(data.reshape(-1, 3, SIDE, SIDE), labels.astype(np.int64) - 1)


def _read_member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Read an array, whose size must be what its own header says before any memory is taken for it."""
    size = archive.getinfo(name).file_size
    with archive.open(name) as file:
        shape, dtype = _header(file)
        wanted = dtype.itemsize
        for length in shape:
            wanted *= length  # Python's integers do not overflow
        if dtype.hasobject or len(shape) == 0 or wanted > LIMIT or size > wanted + (1 << 16):
            raise ValueError(f"{name} is {dtype} {shape} in {size:,} bytes")
        raw = file.read(wanted + 1)  # one more, for the checksum to be looked at
    if len(raw) != wanted:
        raise ValueError(f"{name} holds {len(raw):,} bytes instead of {wanted:,}")
    return np.frombuffer(raw, dtype).reshape(shape)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, fortran, dtype = read(file)
    except (tokenize.TokenError, SyntaxError) as error:  # numpy lets these through
        raise ValueError(f"its header is damaged: {error}") from None
    if fortran:
        raise ValueError("its arrays are in Fortran order")
    return shape, dtype
