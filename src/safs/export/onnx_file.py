"""The same network as an ONNX file, for everyone else's runtimes: dense weights, activations as standard operators."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Union

import numpy as np

from safs.errors import NotCoveredError
from safs.runtime.network import Floats, Network, Node, Shape
from safs.runtime.rules import SCALES, need, shapes_of
from safs.version import VERSION

OPSET, IR_VERSION = 17, 8
SYMEXP_LIMIT = 10.0

Operand = Union["Expression", float]


class Graph:
    """Collects the nodes and tensors of an ONNX graph; constants of one value are kept once."""

    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []
        self.numbers: dict[float, str] = {}

    def tensor(self, value: Any) -> str:
        """A tensor's name."""
        name = f"t{len(self.tensors)}"
        self.tensors.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def number(self, value: float) -> str:
        """The name of a constant."""
        if value not in self.numbers:
            self.numbers[value] = self.tensor(np.array(value, np.float32))
        return self.numbers[value]

    def add(self, op: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Append an operator and give its output's name."""
        output = f"v{len(self.nodes)}"
        label = f"{name or op} {len(self.nodes)}"  # a layer may be used twice, a node's name may not
        self.nodes.append(self.onnx.helper.make_node(op, list(inputs), [output], label, **attributes))
        return output


class Expression:
    """A value of the graph that formulas can be written with."""

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph, self.name = graph, name

    def call(self, op: str, *others: Operand) -> "Expression":
        """An operator on this value and others."""
        names = [other.name if isinstance(other, Expression) else self.graph.number(other) for other in others]
        return Expression(self.graph, self.graph.add(op, self.name, *names))

    def __add__(self, other: Operand) -> "Expression":
        return self.call("Add", other)

    def __sub__(self, other: Operand) -> "Expression":
        return self.call("Sub", other)

    def __mul__(self, other: Operand) -> "Expression":
        return self.call("Mul", other)

    def __truediv__(self, other: Operand) -> "Expression":
        return self.call("Div", other)

    def __neg__(self) -> "Expression":
        return self.call("Neg")

    def clip(self, low: float, high: float) -> "Expression":
        """Held between two bounds."""
        return self.call("Max", low).call("Min", high)


E = Expression


def _expm1(x: E) -> E:
    return x.call("Exp") - 1.0


def _symlog(x: E) -> E:
    return x.call("Sign") * (x.call("Abs") + 1.0).call("Log")


def _symexp(x: E) -> E:
    near = x.clip(-SYMEXP_LIMIT, SYMEXP_LIMIT)
    return near.call("Sign") * _expm1(near.call("Abs")) + (x - near) * float(np.exp(SYMEXP_LIMIT))


def _softplus(x: E) -> E:
    return x.call("Max", 0.0) + ((-x.call("Abs")).call("Exp") + 1.0).call("Log")


def _hardsigmoid(x: E) -> E:
    return (x + 3.0).clip(0.0, 6.0) * (1 / 6)


_SCALED: Mapping[str, Callable[[E], E]] = {
    "linear": lambda x: x,
    "relu": lambda x: x.call("Relu"),
    "relu6": lambda x: x.clip(0.0, 6.0),
    "hardswish": lambda x: x * _hardsigmoid(x),
    "swish": lambda x: x * x.call("Sigmoid"),
    "gelu": lambda x: x * ((x * 0.7071067811865476).call("Erf") + 1.0) * 0.5,
    "elu": lambda x: x.call("Elu"),
    "selu": lambda x: x.call("Selu"),
    "mish": lambda x: x * _softplus(x).call("Tanh"),
    "tanh": lambda x: x.call("Tanh"),
    "hardtanh": lambda x: x.clip(-1.0, 1.0),
    "softplus": _softplus,
    "logsigmoid": lambda x: -_softplus(-x),
    "symlog": _symlog,
    "symexp": _symexp,
    "sigmoid": lambda x: x.call("Sigmoid"),
    "hardsigmoid": _hardsigmoid,
}


def _activate(operator: str, x: E, scales: dict[str, E]) -> E:  # noqa: PLR0911 - one a formula
    first, second, *rest = (scales[name] for name in SCALES[operator])
    if operator == "swish":
        return first * x * (second * x).call("Sigmoid")
    if operator == "tanhsoft1":
        return (first * x).call("Tanh") * _softplus(second * x)
    if operator == "acon":
        difference = (first - second) * x
        return difference * (rest[0] * difference).call("Sigmoid") + second * x
    if operator == "falu":
        gate = (second * x).call("Sigmoid")
        return x * gate + first.clip(0.0, 1.0) * gate * (-(x * gate) + 1.0)
    if operator == "srelu":
        upper = rest[0].call("Max", first)
        middle = x.call("Max", first).call("Min", upper)
        return middle + second * (x - first).call("Min", 0.0) + rest[1] * (x - upper).call("Max", 0.0)
    if operator == "srs":
        first = first.call("Max", 0.05)
        second = second.call("Max", 0.05).call("Min", first * 2.5)
        decay = (-(x.call("Abs") / second)).call("Exp")
        right, left = x.call("Max", 0.0), x.call("Min", 0.0) * decay
        return right / (right / first + decay) + left / (left / first + 1.0)
    return first * _SCALED[operator](second * x)


def _single(value: Floats) -> float | None:
    """The one number that a scale is, if it is."""
    return float(value[0]) if len(value) == 1 else None


def _node(  # noqa: PLR0911 - one a kind of node
    graph: Graph, node: Node, inputs: list[str], shapes: list[Shape]
) -> str:
    settings, x = node.settings, inputs[0]
    window = {
        key: list(settings[mine])
        for key, mine in (("strides", "stride"), ("pads", "padding"), ("kernel_shape", "kernel"))
        if mine in settings
    }
    if node.op == "conv":
        weight = node.sparse["weight"].dense()
        names = graph.tensor(weight), graph.tensor(node.dense["bias"])
        more = {"dilations": list(settings["dilation"]), "group": settings["groups"][0]}
        return graph.add("Conv", x, *names, name=node.name, kernel_shape=list(weight.shape[2:]), **window, **more)
    if node.op == "max_pool":
        return graph.add("MaxPool", x, name=node.name, **window)
    if node.op == "avg_pool":
        return graph.add("AveragePool", x, name=node.name, count_include_pad=settings["include"][0], **window)
    if node.op == "adaptive_avg":
        _, height, width = shapes[0]
        rows, columns = settings["output"]
        need(height % rows == 0 and width % columns == 0, node, "ONNX has no mean over parts that differ in size")
        sides = [height // rows, width // columns]
        return graph.add("AveragePool", x, name=node.name, kernel_shape=sides, strides=sides)
    if node.op == "cat":
        return graph.add("Concat", *inputs, name=node.name, axis=1)
    if node.op in ("add", "mul"):
        return graph.add(node.op.title(), *inputs, name=node.name)
    scales = {}
    for name, value in node.dense.items():
        one = _single(value)
        scales[name] = Expression(graph, graph.tensor(value.reshape(-1, 1, 1)) if one is None else graph.number(one))
    source = Expression(graph, x)
    if node.op == "affine":
        return (source * scales["scale"] + scales["shift"]).name
    operator = str(settings["operator"])
    ones = all(_single(scale) == 1.0 for scale in node.dense.values())
    if ones and operator in _SCALED:
        return _SCALED[operator](source).name
    return _activate(operator, source, scales).name


def write_onnx(path: Path, network: Network) -> int:
    """Write a network as ONNX, opset 17, for any batch size, and give the file's length in bytes.

    Raises:
        NotCoveredError: the package onnx is not installed, or ONNX cannot say what a node does.
    """
    try:
        import onnx
        import onnx.numpy_helper
    except ImportError:
        raise NotCoveredError("the form onnx needs the package onnx; install safs[onnx]") from None
    shapes = shapes_of(network)
    graph, values = Graph(onnx), ["images"]
    for node in network.nodes[1:]:
        values.append(_node(graph, node, [values[i] for i in node.inputs], [shapes[i] for i in node.inputs]))
    graph.nodes.append(onnx.helper.make_node("Flatten", [values[-1]], ["logits"]))
    used = {name for node in graph.nodes for name in node.input}
    tensors = [tensor for tensor in graph.tensors if tensor.name in used]  # a scale of 1 is written down and left out
    kind = onnx.TensorProto.FLOAT
    images = onnx.helper.make_tensor_value_info("images", kind, ["batch", *network.input_shape])
    logits = onnx.helper.make_tensor_value_info("logits", kind, ["batch", len(network.classes)])
    made = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "safs", [images], [logits], tensors),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="safs",
        producer_version=VERSION,
    )
    onnx.checker.check_model(made)
    content: bytes = made.SerializeToString()
    path.write_bytes(content)
    return len(content)


def run_onnx(path: Path, images: Floats) -> Floats:
    """Logits [batch, classes] of normalised images, by ONNX Runtime, or by onnx itself where that is not installed."""
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        return np.asarray(ReferenceEvaluator(str(path)).run(None, {"images": images})[0])
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"images": images})[0])
