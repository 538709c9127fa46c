"""Examples that need not be in memory: in a file, or picked out of others, and read a piece at a time."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from safs.errors import SafsError

CHUNK = 4 << 20  # bytes of examples that are looked at together


class Rows(Protocol):
    """Examples [count, ...]; what is asked for by number, slice or array of numbers comes as an array in memory."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes, the count first."""

    @property
    def ndim(self) -> int:
        """How many sizes there are."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of a value."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


@dataclass(frozen=True)
class OnDisk:
    """An array in a file; what is asked for is read when it is asked for, and nothing else stands in memory.

    Attributes:
        path: the file.
        shape: sizes, the count first.
        dtype: the type of a value.
        offset: bytes before the first value.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int = 0

    @property
    def ndim(self) -> int:
        """How many sizes there are."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any, /) -> Any:
        numbers = np.arange(*index.indices(len(self))) if isinstance(index, slice) else np.atleast_1d(index)
        found = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        size = int(np.prod(self.shape[1:])) * self.dtype.itemsize
        edges = [0, *(np.flatnonzero(np.diff(numbers) != 1) + 1).tolist(), len(numbers)]
        with self.path.open("rb", buffering=0) as file:  # a mapping would count what lies around each example too
            for start, stop in pairwise(edges) if len(numbers) else ():
                file.seek(self.offset + size * int(numbers[start]))
                _fill(file, found[start:stop].reshape(-1).view(np.uint8), self.path)
        return found if np.ndim(index) or isinstance(index, slice) else found[0]


def _fill(file: FileIO, view: NDArray[np.uint8], path: Path) -> None:
    done = 0
    while done < len(view):
        count = file.readinto(view[done:].data)
        if not count:
            raise SafsError(f"{path} has become shorter while it is read; make it again")
        done += count


@dataclass(frozen=True)
class Picked:
    """Examples out of others, in an order of their own."""

    source: Rows
    index: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes, the count first."""
        return (len(self.index), *self.source.shape[1:])

    @property
    def ndim(self) -> int:
        """How many sizes there are."""
        return self.source.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of a value."""
        return self.source.dtype

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, index: Any, /) -> Any:
        return self.source[self.index[index]]


def pick(x: Rows, index: NDArray[Any]) -> Rows:
    """Examples by their numbers, or by a mask; nothing is copied."""
    if isinstance(x, Picked):
        return Picked(x.source, x.index[index])
    return Picked(x, np.arange(len(x))[index])


def chunks(x: Rows, size: int = CHUNK) -> Iterator[NDArray[Any]]:
    """All examples in order, a few at a time: as many as have `size` bytes, at least one."""
    step = max(1, size // max(1, int(np.prod(x.shape[1:])) * x.dtype.itemsize))
    for start in range(0, len(x), step):
        yield np.ascontiguousarray(x[start : start + step])  # sums depend on the order in memory


def open_npy(path: Path) -> OnDisk:
    """An array in an `.npy` file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such file, holds objects, or is shorter than it says.
    """
    with path.open("rb") as file:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(file)
        offset = file.tell()
    if fortran or dtype.hasobject:
        raise ValueError("its values are objects, or lie in the order of Fortran")
    if path.stat().st_size < offset + int(np.prod(shape, dtype=object)) * dtype.itemsize:
        raise ValueError("it is shorter than its header says")
    return OnDisk(path, shape, dtype, offset)


def write_npy(path: Path, x: Rows, digest: "hashlib._Hash") -> None:
    """Write examples as an `.npy` file, a few at a time, and tell a digest their type, shape and values."""
    digest.update(f"{x.dtype}{tuple(x.shape)}".encode())
    header = {"descr": npy.dtype_to_descr(x.dtype), "fortran_order": False, "shape": tuple(x.shape)}
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, header)
        for chunk in chunks(x):
            raw = chunk.data
            digest.update(raw)
            file.write(raw)
