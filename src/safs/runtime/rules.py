"""What a valid network is: every node's inputs, settings and weights, the shapes that follow, and what it may cost.

Writer and reader both ask here, so a file that was written can be read, and a hostile one is refused before anything
of the size it claims is allocated.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from safs.errors import SafsError, unknown
from safs.runtime.network import Network, Node, Shape

MOST_NODES = 20_000
MOST_ELEMENTS = 2**28  # of all outputs of one image together: 1 GiB of float32
MOST_OPERATIONS = 2**37  # multiply-adds and comparisons of one image
LARGEST_SIDE = 2**16  # of kernels, strides and paddings

SCALES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *("relu", "relu6", "hardswish", "swish", "gelu", "elu", "selu", "mish", "tanh", "hardtanh", "softplus"),
            *("logsigmoid", "symlog", "symexp", "tanhsoft1", "srs", "falu", "linear", "sigmoid", "hardsigmoid"),
        ),
        ("alpha", "beta"),
    ),
    "acon": ("p1", "p2", "beta"),
    "srelu": ("t_l", "a_l", "t_r", "a_r"),
}


def need(ok: bool, node: Node, rule: str) -> None:
    """Refuse a node that breaks a rule.

    Raises:
        SafsError: it does.
    """
    if not ok:
        raise SafsError(f"node {node.name[:80]!r} ({node.op}): {rule}")


def numbers(node: Node, name: str, count: int, least: int, most: int = LARGEST_SIDE) -> tuple[int, ...]:
    """A setting that is a list of so many whole numbers between two bounds.

    Raises:
        SafsError: it is not.
    """
    value = node.settings.get(name)
    right = isinstance(value, list | tuple) and len(value) == count and all(type(v) is int for v in value)
    need(right, node, f"{name} must be {count} whole numbers")
    assert isinstance(value, list | tuple)
    need(all(least <= v <= most for v in value), node, f"{name} is {list(value)}, not from {least} to {most}")
    return tuple(value)


def window(node: Node, shape: Shape, kernel: Sequence[int], dilation: Sequence[int] = (1, 1)) -> tuple[int, int]:
    """Height and width that a sliding window leaves of `shape`.

    Padding is (top, left, bottom, right).

    Raises:
        SafsError: the window is larger than the padded input, or the padding as large as the window.
    """
    stride, padding = numbers(node, "stride", 2, 1), numbers(node, "padding", 4, 0)
    sides = []
    for axis in (0, 1):
        reach = dilation[axis] * (kernel[axis] - 1) + 1
        before, after = padding[axis], padding[axis + 2]
        need(before < reach + stride[axis] and after < reach + stride[axis], node, "its padding exceeds its window")
        rest = shape[axis + 1] + before + after - reach
        need(rest >= 0, node, f"its window of {reach} exceeds its padded input of {rest + reach}")
        sides.append(rest // stride[axis] + 1)
    return sides[0], sides[1]


def _conv(node: Node, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    weight, (channels, _, _) = node.sparse["weight"], shapes[0]
    need(len(weight.shape) == 4 and min(weight.shape) >= 1, node, f"its weight has the shape {weight.shape}")
    (groups,) = numbers(node, "groups", 1, 1, 2**24)
    out, inner, *kernel = weight.shape
    fits = out % groups == 0 and inner * groups == channels
    need(fits, node, f"its weight {weight.shape} in {groups} groups does not fit {channels} channels")
    need(max(kernel) <= LARGEST_SIDE, node, f"its kernel is {kernel}")
    need(node.dense["bias"].shape == (out,), node, f"its bias has {node.dense['bias'].size} values for {out} channels")
    height, width = window(node, shapes[0], kernel, numbers(node, "dilation", 2, 1))
    return (out, height, width), len(weight.values) * height * width


def _pool(node: Node, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    kernel = numbers(node, "kernel", 2, 1)
    shape = (shapes[0][0], *window(node, shapes[0], kernel))
    padding = numbers(node, "padding", 4, 0)
    need(padding[0] < kernel[0] and padding[1] < kernel[1], node, "a window of it holds nothing but padding")
    for axis in (0, 1):  # the last window must start inside of the image
        start = (shape[axis + 1] - 1) * numbers(node, "stride", 2, 1)[axis] - padding[axis]
        need(start < shapes[0][axis + 1], node, "a window of it holds nothing but padding")
    if node.op == "avg_pool":
        numbers(node, "include", 1, 0, 1)
    return shape, prod(shape) * prod(kernel)


def _adaptive(node: Node, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    height, width = numbers(node, "output", 2, 1)
    shape = (shapes[0][0], height, width)
    return shape, prod(shape) * (shapes[0][1] // height + 2) * (shapes[0][2] // width + 2)


def _affine(node: Node, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    for name in ("scale", "shift"):
        need(node.dense[name].shape == (shapes[0][0],), node, f"{name} has {node.dense[name].size} values")
    return shapes[0], prod(shapes[0])


def _activation(node: Node, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    operator = node.settings.get("operator")
    if not isinstance(operator, str) or operator not in SCALES:
        raise unknown("activation operator", str(operator)[:80], SCALES)
    need(set(node.dense) == set(SCALES[operator]), node, f"its scales must be {', '.join(SCALES[operator])}")
    for name, value in node.dense.items():
        need(
            value.shape in ((1,), (shapes[0][0],)), node, f"{name} has {value.size} values for {shapes[0][0]} channels"
        )
    return shapes[0], 32 * prod(shapes[0])


def _pointwise(node: Node, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    first, second = shapes
    need(second in (first, (first[0], 1, 1)), node, f"shapes {first} and {second} do not go together")
    return first, prod(first)


def _cat(node: Node, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    need(len({shape[1:] for shape in shapes}) == 1, node, f"shapes {shapes[:4]} do not go together")
    shape = (sum(shape[0] for shape in shapes), *shapes[0][1:])
    return shape, prod(shape)


@dataclass(frozen=True)
class Rule:
    """What a kind of node is made of: number of inputs (None: one or more), names of its tensors, its shape and cost."""

    inputs: int | None
    infer: Callable[[Node, Sequence[Shape]], tuple[Shape, int]]
    sparse: tuple[str, ...] = ()
    dense: tuple[str, ...] | None = ()


RULES: Mapping[str, Rule] = {
    "conv": Rule(1, _conv, ("weight",), ("bias",)),
    "affine": Rule(1, _affine, (), ("scale", "shift")),
    "activation": Rule(1, _activation, (), None),
    "max_pool": Rule(1, _pool),
    "avg_pool": Rule(1, _pool),
    "adaptive_avg": Rule(1, _adaptive),
    "add": Rule(2, _pointwise),
    "mul": Rule(2, _pointwise),
    "cat": Rule(None, _cat),
}


def infer(node: Node, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Output shape and operations of a node on inputs of the given shapes.

    Raises:
        SafsError: the node is not valid.
    """
    if node.op not in RULES:
        raise unknown("kind of node", node.op[:80], RULES)
    rule = RULES[node.op]
    counted = len(shapes) == rule.inputs if rule.inputs is not None else len(shapes) > 0
    need(counted, node, f"it has {len(shapes)} inputs")
    need(tuple(node.sparse) == rule.sparse, node, f"its pruned tensors must be {list(rule.sparse)}")
    need(
        rule.dense is None or set(node.dense) == set(rule.dense), node, f"its tensors must be {list(rule.dense or ())}"
    )
    need(all(np.isfinite(value).all() for value in node.dense.values()), node, "a value of it is not finite")
    return rule.infer(node, shapes)


def shapes_of(network: Network) -> list[Shape]:
    """The output shape of every node, for one image.

    Raises:
        SafsError: the network is not valid or asks for more memory or time than any network should.
    """
    nodes = network.nodes
    if not 2 <= len(nodes) <= MOST_NODES or nodes[0].op != "input" or nodes[0].inputs:
        raise SafsError(f"a network must have 2 to {MOST_NODES} nodes, and the input first")
    if len(network.input_shape) != 3 or not all(1 <= side <= 2**24 for side in network.input_shape):
        raise SafsError(f"the input's shape {network.input_shape} is not three numbers from 1 to 2^24")
    shapes: list[Shape] = [network.input_shape]
    elements, operations = prod(network.input_shape), 0
    for index, node in enumerate(nodes[1:], 1):
        need(all(0 <= i < index for i in node.inputs), node, "its inputs do not come before it")
        shape, cost = infer(node, [shapes[i] for i in node.inputs])
        shapes.append(shape)
        elements, operations = elements + prod(shape), operations + cost
        need(
            elements <= MOST_ELEMENTS, node, f"the outputs up to here have more than {MOST_ELEMENTS} elements an image"
        )
        need(operations <= MOST_OPERATIONS, node, f"up to here an image takes more than {MOST_OPERATIONS} operations")
    if shapes[-1] != (len(network.classes), 1, 1):
        raise SafsError(
            f"the network's output is {shapes[-1]}, not one number for each of {len(network.classes)} classes"
        )
    if len(network.mean) != network.input_shape[0] or len(network.std) != network.input_shape[0]:
        raise SafsError(f"mean and std must have {network.input_shape[0]} values, one a channel")
    return shapes
