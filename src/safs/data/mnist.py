"""MNIST and Fashion-MNIST from a folder of IDX files, plain or gzipped."""

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from safs.data.dataset import Examples, Part
from safs.errors import SafsError

ORIGIN = "MNIST, LeCun et al. 1998; first 50,000 training images train, the last 10,000 validate"
CLASSES = tuple(str(digit) for digit in range(10))
FASHION_ORIGIN = "Fashion-MNIST, Xiao et al. 2017; first 50,000 training images train, the last 10,000 validate"
FASHION_CLASSES = (
    *("t-shirt or top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
VALIDATION = 10_000


def read_mnist(root: Path, name: str = "MNIST") -> dict[Part, Examples]:
    """Read MNIST, or a data set of the same form, and split it 50,000/10,000/10,000 as arXiv:2305.10964 does.

    Args:
        root: a folder that holds the four IDX files, itself or in `raw` or, say, `MNIST/raw`; `.gz` will do.
        name: MNIST or FashionMNIST, as torchvision names its folders.

    Raises:
        SafsError: a file is missing, damaged or not what its name says.
    """
    train_x, train_y, test_x, test_y = (read_idx(find(root, file, name)) for file in FILES)
    for x, y in ((train_x, train_y), (test_x, test_y)):
        if x.ndim != 3 or y.ndim != 1 or len(x) != len(y):
            raise SafsError(f"{root}: images {x.shape} and labels {y.shape} do not belong together")
    if len(train_y) <= VALIDATION:
        raise SafsError(f"{root}: {len(train_y)} training images; more than the {VALIDATION} for validation are needed")
    x, labels = train_x[:, None], train_y.astype(np.int64)
    return {
        "train": Examples(x[:-VALIDATION], labels[:-VALIDATION]),
        "validation": Examples(x[-VALIDATION:], labels[-VALIDATION:]),
        "test": Examples(test_x[:, None], test_y.astype(np.int64)),
    }


def find(root: Path, file: str, name: str) -> Path:
    """The path of an IDX file below `root`.

    Raises:
        SafsError: it is not there.
    """
    for folder in (root, root / "raw", root / name / "raw"):
        for candidate in (folder / file, folder / f"{file}.gz"):
            if candidate.is_file():
                return candidate
    raise SafsError(
        f"no {file}[.gz] in {str(root)!r}; set data_root to the folder that holds the four IDX files of {name}"
    )


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes: magic 0, 0, 8, rank, then big-endian sizes, then the values.

    Raises:
        SafsError: the file is damaged.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SafsError(f"{path} is not a whole gzip file: {error}") from None
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise SafsError(f"{path} is not an IDX file of unsigned bytes: it starts with {raw[:4].hex()}")
    rank = raw[3]
    if len(raw) < 4 + 4 * rank:
        raise SafsError(f"{path} ends within its header; fetch it again")
    sizes = tuple(int(size) for size in np.frombuffer(raw[4 : 4 + 4 * rank], ">u4"))
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * rank)
    if len(values) != np.prod(sizes, dtype=np.int64):
        raise SafsError(f"{path} says {sizes} but holds {len(values)} values; fetch it again")
    return values.reshape(sizes)
