"""Writing the sparse form that `safs.runtime` reads; the layout is told in `safs.runtime.reader`."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from safs.errors import SafsError
from safs.export.forms import Values
from safs.runtime.coding import encode_gaps, pack, to_planes
from safs.runtime.network import Network, Node, Sparse
from safs.runtime.reader import LENGTHS, MAGIC, VALUE_TYPES, VERSION, parse
from safs.runtime.rules import shapes_of
from safs.version import VERSION as RELEASE

MIDDLE = 150  # a tensor's power of two is stored as a number that is not negative
FULL = 12  # float16 values of a tensor are brought below 2^12


def encode(network: Network, values: Values = "float32") -> bytes:
    """The bytes of a network's file.

    Args:
        network: what to write.
        values: type of the weights that are left. As float16 they lose digits, and each tensor a power of two that
            keeps them from vanishing; biases and scales are always float32.

    Raises:
        SafsError: the network is not valid, or would not be read back as it is.
    """
    shapes_of(network)
    header: dict[str, Any] = {
        "version": VERSION,
        "producer": f"safs {RELEASE}",
        "values": values,
        "input_shape": network.input_shape,
        "classes": network.classes,
        "mean": network.mean,
        "std": network.std,
        "curves": network.curves,
        "about": dict(network.about),
        "nodes": [_entry(node, values) for node in network.nodes],
    }
    weights = [weight for node in network.nodes for weight in node.sparse.values()]
    kind = np.dtype(VALUE_TYPES[values])
    numbers = [_scaled(weight, _exponent(weight, values)).astype(kind) for weight in weights]
    small = [value for node in network.nodes for value in node.dense.values()]
    parts = [
        json.dumps(header, separators=(",", ":"), allow_nan=False).encode(),
        b"".join(encode_gaps(weight.positions) for weight in weights),
        to_planes(np.concatenate([np.zeros(0, kind), *numbers])),
        to_planes(np.concatenate([np.zeros(0, np.float32), *small])),
    ]
    frames = [pack(part) for part in parts]
    lengths = [length for frame, part in zip(frames, parts, strict=True) for length in (len(frame), len(part))]
    body = MAGIC + LENGTHS.pack(*lengths) + b"".join(frames)
    content = body + hashlib.sha256(body).digest()
    if values == "float32" and not same(network, parse(content)):
        raise SafsError("the sparse form does not read back as it was written; please report this model")
    return content


def write(path: Path, network: Network, values: Values = "float32") -> int:
    """Write a network beside `path`, rename, and give the file's length in bytes.

    Raises:
        SafsError: see `encode`.
    """
    content = encode(network, values)
    beside = path.with_name(f".{path.name}.partial")
    beside.write_bytes(content)
    beside.replace(path)
    return len(content)


def same(one: Network, other: Network) -> bool:
    """Whether two networks are equal to the last bit."""
    if len(one.nodes) != len(other.nodes) or _plain(one) != _plain(other):
        return False
    for a, b in zip(one.nodes, other.nodes, strict=True):
        if list(a.sparse) != list(b.sparse) or list(a.dense) != list(b.dense):
            return False
        pairs: list[tuple[Any, Any]] = [(a.dense[name], b.dense[name]) for name in a.dense]
        for name, weight in a.sparse.items():
            pairs += [(weight.positions, b.sparse[name].positions), (weight.values, b.sparse[name].values)]
        if not all(np.array_equal(x, y) for x, y in pairs):
            return False
    return True


def _plain(network: Network) -> Any:
    nodes = [(node.op, node.inputs, node.name, dict(node.settings)) for node in network.nodes]
    shapes = [[weight.shape for weight in node.sparse.values()] for node in network.nodes]
    rest = (network.input_shape, network.classes, network.mean, network.std, network.curves, dict(network.about))
    return json.loads(json.dumps([nodes, shapes, rest]))


def _exponent(weight: Sparse, values: Values) -> int:
    largest = float(np.abs(weight.values).max(initial=0))
    return int(np.frexp(largest)[1]) - FULL if values == "float16" and largest else 0


def _scaled(weight: Sparse, exponent: int) -> Any:
    return np.ldexp(weight.values, -exponent)


def _entry(node: Node, values: Values) -> dict[str, Any]:
    sparse = {
        name: {
            "shape": weight.shape,
            "count": len(weight.values),
            "gaps": len(encode_gaps(weight.positions)),
            "exponent": _exponent(weight, values) + MIDDLE,
        }
        for name, weight in node.sparse.items()
    }
    dense = {name: len(value) for name, value in node.dense.items()}
    return {
        "op": node.op,
        "inputs": node.inputs,
        "name": node.name,
        "settings": dict(node.settings),
        "sparse": sparse,
        "dense": dense,
    }
