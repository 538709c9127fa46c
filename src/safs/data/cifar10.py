"""CIFAR-10 from the binary version's files, or from an archive of JPEG files."""

import io
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from safs.data.dataset import Examples, Part
from safs.data.split import split_off
from safs.data.unpacking import tar_members
from safs.errors import SafsError

ORIGIN = "CIFAR-10, Krizhevsky 2009, {form}; a fifth of the training images, drawn by class, validates"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
ARCHIVE = "cifar10-jpeg.tar.xz"
SIDE, RECORD = 32, 1 + 3 * 32 * 32
NAME = re.compile(r"(?:\./)?(train|test)/([a-z]+)/(\d{4,6})\.jpg")
LIMIT, IMAGE_LIMIT, COUNT_LIMIT = 1 << 30, 1 << 16, 100_000  # bytes unpacked, bytes a file, files


def read_cifar10(root: Path, split_seed: int) -> tuple[str, dict[Part, Examples]]:
    """Read CIFAR-10 and split it 40,000/10,000/10,000 as arXiv:2305.10964 does.

    Args:
        root: a folder with the binary version (`data_batch_1.bin` to `5` and `test_batch.bin`, itself or in
            `cifar-10-batches-bin`) or with `cifar10-jpeg.tar.xz`; or such an archive
            (`train/<class>/<number>.jpg` and `test/<class>/<number>.jpg`).
        split_seed: decides which training images validate.

    Returns:
        Where the images came from, and images [count, 3, 32, 32] by part.

    Raises:
        SafsError: files are missing, damaged or not CIFAR-10, or it is the pickled version.
    """
    archive = root if root.is_file() else root / ARCHIVE
    folder = next((f for f in (root, root / "cifar-10-batches-bin") if (f / FILES[0]).is_file()), None)
    if folder:
        training, test = (
            _concatenate([read_binary(folder / name) for name in FILES]),
            read_binary(folder / "test_batch.bin"),
        )
    elif archive.is_file():
        training, test = read_jpegs(archive)
    else:
        for place in (root, root / "cifar-10-batches-py"):
            if (place / "data_batch_1").exists():
                raise SafsError(
                    f"{place} holds the python version of CIFAR-10, which is pickle, and pickle can run any code; fetch "
                    "the binary version (cifar-10-binary.tar.gz) and unpack it"
                )
        raise SafsError(f"no {FILES[0]} and no {ARCHIVE} in {str(root)!r}; set data_root to the folder that holds them")
    rest, validation = split_off(training, len(training.y) // 5, split_seed)
    origin = ORIGIN.format(form="binary version" if folder else "as JPEG files")
    return origin, {"train": rest, "validation": validation, "test": test}


def read_binary(path: Path) -> Examples:
    """Read a file of the binary version: records of one label and 3,072 pixels, red, green, blue, each row by row.

    Raises:
        SafsError: the file is missing or damaged.
    """
    try:
        raw = np.fromfile(path, np.uint8)
    except OSError as error:
        raise SafsError(f"{path} cannot be read: {error.strerror}; is the data set complete?") from None
    if len(raw) == 0 or len(raw) % RECORD:
        raise SafsError(f"{path} has {len(raw):,} bytes, which is no multiple of {RECORD:,}; fetch it again")
    records = raw.reshape(-1, RECORD)
    if records[:, 0].max() >= len(CLASSES):
        raise SafsError(f"{path} has label {records[:, 0].max()}, CIFAR-10 has {len(CLASSES)} classes; fetch it again")
    return Examples(records[:, 1:].reshape(-1, 3, SIDE, SIDE), records[:, 0].astype(np.int64))


def read_jpegs(archive: Path) -> tuple[Examples, Examples]:
    """Read an archive of JPEG files; gives the training and the test images, each by class and number.

    Raises:
        SafsError: the archive is damaged, or a member is not an image of CIFAR-10.
    """
    found: dict[str, dict[tuple[int, int], NDArray[np.uint8]]] = {"train": {}, "test": {}}
    for count, (name, content) in enumerate(tar_members(archive, LIMIT, IMAGE_LIMIT)):
        match = NAME.fullmatch(name)
        if not match or match[2] not in CLASSES or count >= COUNT_LIMIT:
            raise SafsError(f"{archive}: member {name[:100]!r} is not train|test/<class>/<number>.jpg of CIFAR-10")
        found[match[1]][CLASSES.index(match[2]), int(match[3])] = decode(content, f"{archive}: {name}")
    if not found["train"] or not found["test"]:
        raise SafsError(f"{archive} lacks training or test images; fetch it again")
    train, test = ([images[key] for key in sorted(images)] for images in found.values())
    labels = [np.array([label for label, _ in sorted(images)], np.int64) for images in found.values()]
    return Examples(np.stack(train), labels[0]), Examples(np.stack(test), labels[1])


def decode(content: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a JPEG file to pixels [3, 32, 32]; the size is checked before anything is decoded.

    Raises:
        SafsError: it is not a JPEG file of 32x32 pixels.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            if image.size != (SIDE, SIDE):
                raise SafsError(f"{name} has {image.size} pixels instead of {SIDE}x{SIDE}")
            return np.ascontiguousarray(np.asarray(image.convert("RGB")).transpose(2, 0, 1))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SafsError(f"{name} is not a sound JPEG file: {error}") from None


def _concatenate(pieces: list[Examples]) -> Examples:
    return Examples(np.concatenate([piece.x for piece in pieces]), np.concatenate([piece.y for piece in pieces]))
