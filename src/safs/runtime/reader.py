"""Reading the sparse form: a file is believed only as far as it has been checked.

    8 bytes   SAFSPARS
    4 x 16    compressed and raw length of each part, little-endian
    parts     zstd frames: the header (JSON), the gaps (see `coding`), the values, the small dense tensors
    32 bytes  SHA-256 of all before

The header lists the nodes; the tensors' numbers lie in the other parts in the order in which the header names them.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from safs.errors import SafsError
from safs.runtime.coding import decode_gaps, from_planes, unpack
from safs.runtime.curves import Curves, as_curves
from safs.runtime.network import Network, Node, Sparse
from safs.runtime.rules import shapes_of

MAGIC = b"SAFSPARS"
VERSION = 1
LENGTHS = struct.Struct("<8Q")
DIGEST = 32
VALUE_TYPES: Mapping[str, str] = {"float32": "f4", "float16": "f2"}
SMALL, RATIO = 2**26, 64  # what a part may grow to: 64 MiB, or 64 times its compressed length


def read(path: Path) -> Network:
    """Read a network.

    Raises:
        SafsError: there is no such file, or it is not a network in this form, whole and valid.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SafsError(
            f"{str(path)!r} cannot be read ({error.strerror}); give a file that safs export wrote"
        ) from None
    try:
        return parse(content)
    except SafsError as error:
        raise SafsError(f"{str(path)!r}: {error}") from None


def parse(content: bytes) -> Network:
    """The network in the bytes of a file.

    Raises:
        SafsError: they are not a network in this form, whole and valid.
    """
    start = len(MAGIC) + LENGTHS.size
    if not content.startswith(MAGIC):
        raise SafsError("this is not a sparse network; give a file that safs export wrote")
    if len(content) < start + DIGEST or hashlib.sha256(content[:-DIGEST]).digest() != content[-DIGEST:]:
        raise SafsError("the file is damaged: its checksum is wrong; copy it or export the model again")
    lengths: tuple[int, ...] = LENGTHS.unpack_from(content, len(MAGIC))
    compressed, raw = lengths[::2], lengths[1::2]
    if sum(compressed) != len(content) - start - DIGEST:
        raise SafsError("the file is damaged: its parts are not as long as it says")
    if raw[0] > SMALL or raw[2] > SMALL + RATIO * compressed[2] or raw[3] > SMALL + RATIO * compressed[3]:
        raise SafsError("the file claims to be far larger than it is")
    if raw[1] > SMALL + RATIO * raw[2]:
        raise SafsError("the file claims to hold more positions than values")
    parts = []
    for packed, length in zip(compressed, raw, strict=True):
        parts.append(unpack(content[start : start + packed], length))
        start += packed
    try:
        header = json.loads(parts[0], parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise SafsError(f"the file is damaged: its header is not JSON ({str(error)[:80]})") from None
    return _network(header, parts)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _get(table: Any, name: str, kind: type) -> Any:
    value: Any = table.get(name) if isinstance(table, dict) else None
    right = type(value) is kind
    if not right or (kind is int and not 0 <= value < 2**40):
        raise SafsError(f"the header has no {name!r} of type {kind.__name__} where one must be")
    return value


def _texts(table: Any, name: str, kind: type | tuple[type, ...]) -> tuple[Any, ...]:
    values: list[Any] = _get(table, name, list)
    if not all(isinstance(value, kind) and not isinstance(value, bool) for value in values):
        raise SafsError(f"{name!r} in the header holds something of another type")
    return tuple(values)


class _Stream:
    """Takes a part's numbers off in order."""

    def __init__(self, numbers: np.ndarray, name: str) -> None:
        self.numbers, self.name, self.at = numbers, name, 0

    def take(self, count: int) -> np.ndarray:
        if count > len(self.numbers) - self.at:
            raise SafsError(f"the header names more {self.name} than the file holds")
        self.at += count
        return self.numbers[self.at - count : self.at]

    def finish(self) -> None:
        if self.at != len(self.numbers):
            raise SafsError(f"the file holds more {self.name} than the header names")


def _network(header: Any, parts: list[bytes]) -> Network:
    if _get(header, "version", int) != VERSION:
        raise SafsError(
            f"the file's form has version {header['version']}, this safs reads {VERSION}; take another safs"
        )
    kind = _get(header, "values", str)
    if kind not in VALUE_TYPES:
        raise SafsError(f"the file's values are {kind[:80]!r}, not one of {', '.join(VALUE_TYPES)}")
    if len(parts[2]) % np.dtype(VALUE_TYPES[kind]).itemsize or len(parts[3]) % 4:
        raise SafsError("the file is damaged: it ends within a number")
    gaps = _Stream(np.frombuffer(parts[1], np.uint8), "positions")
    values = _Stream(from_planes(parts[2], VALUE_TYPES[kind]), "values")
    dense = _Stream(from_planes(parts[3], "f4"), "dense values")
    nodes = tuple(_node(entry, gaps, values, dense) for entry in _get(header, "nodes", list))
    for stream in (gaps, values, dense):
        stream.finish()
    shape = tuple(int(side) for side in _texts(header, "input_shape", int))
    mean, std = (tuple(float(v) for v in _texts(header, name, (int, float))) for name in ("mean", "std"))
    curves = _curves(header, len(mean))
    about = _get(header, "about", dict)
    if not all(isinstance(value, str) for value in about.values()):
        raise SafsError("'about' in the header holds something else than text")
    network = Network(nodes, shape, _texts(header, "classes", str), mean, std, about, curves)  # type: ignore[arg-type]
    shapes_of(network)
    return network


def _curves(header: Any, channels: int) -> Curves:
    try:
        return as_curves(_get(header, "curves", list), channels)
    except ValueError as error:
        raise SafsError(f"the header's curves are wrong: {str(error)[:80]}") from None


def _node(entry: Any, gaps: _Stream, values: _Stream, dense: _Stream) -> Node:
    sparse = {}
    for name, about in _get(entry, "sparse", dict).items():
        shape: tuple[int, ...] = tuple(int(side) for side in _texts(about, "shape", int))
        count, exponent = _get(about, "count", int), _get(about, "exponent", int)
        size: int = 1
        for side in shape:
            size *= side
            if not (len(shape) <= 4 and side > 0 and size <= 2**40):
                raise SafsError(f"a tensor has the shape {shape[:4]}")
        positions = decode_gaps(gaps.take(_get(about, "gaps", int)))
        if len(positions) != count or (count and positions[-1] >= size):
            raise SafsError("the file is damaged: a tensor's positions do not fit its shape")
        with np.errstate(over="ignore", invalid="ignore"):
            numbers = np.ldexp(values.take(count).astype(np.float32), min(exponent, 300) - 150)
        if not np.isfinite(numbers).all():
            raise SafsError("the file is damaged: a weight is not finite")
        sparse[name] = Sparse(shape, positions, numbers)
    small = {
        name: dense.take(_get(entry["dense"], name, int)).astype(np.float32) for name in _get(entry, "dense", dict)
    }
    inputs = tuple(int(i) for i in _texts(entry, "inputs", int))
    return Node(_get(entry, "op", str), inputs, _get(entry, "name", str), _get(entry, "settings", dict), sparse, small)
