"""From a PyTorch model to a network of the sparse form, by way of `torch.fx`."""

import operator
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from safs.activations import Activation
from safs.errors import NotCoveredError, SafsError
from safs.export.draft import Draft, Step, Value
from safs.export.folding import fold_norms
from safs.export.layers import LAYERS, apply, plain, refuse
from safs.models import ModelSpec
from safs.runtime.network import Network

_ADD = {operator.add, operator.iadd, torch.add, "add", "add_"}
_MUL = {operator.mul, operator.imul, torch.mul, "mul", "mul_"}
_FUNCTIONS: Mapping[Any, type[nn.Module]] = {
    F.max_pool2d: nn.MaxPool2d,
    F.avg_pool2d: nn.AvgPool2d,
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
    F.max_pool1d: nn.MaxPool1d,
    F.avg_pool1d: nn.AvgPool1d,
    F.adaptive_avg_pool1d: nn.AdaptiveAvgPool1d,
    F.elu: nn.ELU,
    F.gelu: nn.GELU,
    F.hardtanh: nn.Hardtanh,
    F.softplus: nn.Softplus,
    F.leaky_relu: nn.LeakyReLU,
}
_OPERATORS: Mapping[Any, str] = {
    **dict.fromkeys((F.relu, torch.relu, "relu", "relu_"), "relu"),
    **dict.fromkeys((torch.sigmoid, F.sigmoid, "sigmoid"), "sigmoid"),
    **dict.fromkeys((torch.tanh, F.tanh, "tanh"), "tanh"),
    F.relu6: "relu6",
    F.silu: "swish",
    F.hardswish: "hardswish",
    F.hardsigmoid: "hardsigmoid",
    F.selu: "selu",
    F.mish: "mish",
    F.logsigmoid: "logsigmoid",
}
_FLATTEN, _NOTHING = {torch.flatten, "flatten", "view", "reshape"}, {F.dropout, F.dropout2d, "contiguous", "dropout"}


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, Activation) or type(m) in LAYERS or super().is_leaf_module(m, module_qualified_name)


def trace(model: nn.Module, spec: ModelSpec) -> Network:
    """Write a model down as the network it is in evaluation, batch normalisation folded.

    Args:
        model: any network of the layers in `safs.export.layers.LAYERS`; its mode is left as it is.
        spec: input shape, classes and normalisation.

    Raises:
        NotCoveredError: a layer is not covered; the error names it.
    """
    training = model.training
    model.eval()
    try:
        graph = _Tracer().trace(model)
    except Exception as error:  # whatever the model's own code raises on a symbolic value
        reason = " ".join(str(error).split())[:200]
        raise NotCoveredError(
            f"{spec.architecture} cannot be exported: torch.fx cannot follow its forward ({reason})"
        ) from None
    finally:
        model.train(training)
    channels, *sides = spec.input_shape
    height, width = sides if len(sides) == 2 else (1, sides[0])  # a series is an image of one row
    draft = Draft((channels, height, width))
    draft.signal = any(isinstance(module, nn.Conv1d) for module in model.modules())
    values: dict[fx.Node, Any] = {}
    output: Value | None = None
    for node in graph.nodes:
        if node.op == "placeholder":
            values[node] = Value(0)
        elif node.op == "output":
            output = values.get(node.args[0]) if isinstance(node.args[0], fx.Node) else None
        else:
            try:
                values[node] = _convert(draft, model, node, values)
            except SafsError as error:
                if str(error).startswith("layer "):
                    raise
                raise refuse(_name(node), str(error)) from None
    if not isinstance(output, Value) or not (output.flat or draft.shape(output)[1:] == (1, 1)):
        raise NotCoveredError(
            f"{spec.architecture} cannot be exported: its output is not one vector of logits an image"
        )
    output = fold_norms(draft, output)
    about = {"architecture": spec.architecture, "sparsity": str(spec.sparsity), "seed": str(spec.seed)}
    return draft.network(output, spec.classes, spec.mean, spec.std, spec.curves, about)


def _name(node: fx.Node) -> str:
    return str(node.target) if node.op == "call_module" else node.name


def _resolve(argument: Any, values: Mapping[fx.Node, Any]) -> Any:
    """An argument with the values of the nodes in it."""
    if isinstance(argument, tuple | list):
        return tuple(_resolve(item, values) for item in argument)
    if isinstance(argument, dict):
        return {key: _resolve(item, values) for key, item in argument.items()}
    return values[argument] if isinstance(argument, fx.Node) else argument


def _convert(  # noqa: PLR0911 - a table in the form of questions
    draft: Draft, model: nn.Module, node: fx.Node, values: Mapping[fx.Node, Any]
) -> Any:
    name = _name(node)
    args, keywords = _resolve(node.args, values), _resolve(node.kwargs, values)
    if node.op == "call_module":
        layer = model.get_submodule(str(node.target))
        if type(layer) not in LAYERS:
            raise refuse(name, f"{type(layer).__name__} is not covered")
        return LAYERS[type(layer)](draft, name, layer, args[0])
    target = node.target
    if node.op not in ("call_function", "call_method"):
        raise refuse(name, "a tensor that belongs to no layer is not covered")
    label = target if isinstance(target, str) else getattr(target, "__name__", str(target))
    if label == "size" or (target is getattr and args[1] == "shape"):
        return "batch"  # only its first entry can be used, and only to flatten
    if target is operator.getitem and args[0] == "batch" and args[1] == 0:
        return "batch"
    if target in _FLATTEN and isinstance(args[0], Value):
        return _flattened(draft, name, target, args, keywords)
    if target in _NOTHING or label == "stochastic_depth":
        return args[0]
    if target in _OPERATORS:
        return apply(draft, name, _OPERATORS[target], args[0])
    if target in _FUNCTIONS:
        kind = _FUNCTIONS[target]
        settings = {key: value for key, value in keywords.items() if key not in ("inplace", "input")}
        layer = kind(*args[1:], **settings)
        return LAYERS[kind](draft, name, layer, args[0])
    if label == "mean":
        return _mean(draft, name, args, keywords)
    if target is torch.cat:
        return _cat(draft, name, args, keywords)
    if target in _ADD or target in _MUL:
        return _pointwise(draft, name, "add" if target in _ADD else "mul", args, keywords)
    raise refuse(name, f"{label} is not covered")


def _flattened(draft: Draft, name: str, target: Any, args: Any, keywords: Any) -> Value:
    start = args[1] if len(args) > 1 else keywords.get("start_dim", 0)
    if target in ("view", "reshape"):
        _, height, width = draft.shape(args[0])
        size = args[1] if isinstance(args[1], tuple | list) else args[1:]
        features = draft.shape(args[0])[0] * height * width
        right = len(size) == 2 and size[0] in ("batch", -1) and size[1] in (-1, features) and list(size) != [-1, -1]
    else:
        right = start == 1 and len(args) < 3 and keywords.get("end_dim", -1) == -1
    if not right:
        raise refuse(name, "it gives a tensor another shape than [batch, features]")
    return Value(args[0].index, flat=True)


def _mean(draft: Draft, name: str, args: Any, keywords: Any) -> Value:
    axes = args[1] if len(args) > 1 else keywords.get("dim")
    keep = args[2] if len(args) > 2 else keywords.get("keepdim", False)
    rank = 3 if draft.signal else 4
    axes = [axes] if isinstance(axes, int) else axes
    if not axes or sorted(axis % rank for axis in axes) != list(range(2, rank)) or args[0].flat:
        raise refuse(name, "it is a mean over other axes than height and width")
    value = draft.add(Step("adaptive_avg", [args[0].index], name, {"output": [1, 1]}))
    return Value(value.index, flat=not keep)


def _cat(draft: Draft, name: str, args: Any, keywords: Any) -> Value:
    parts = list(args[0])
    axis = args[1] if len(args) > 1 else keywords.get("dim", 0)
    flat = all(part.flat for part in parts)
    if axis % (2 if flat else 3 if draft.signal else 4) != 1 or any(part.flat != flat for part in parts):
        raise refuse(name, "it joins tensors along another axis than the channels")
    for part in parts:
        plain(draft, name, part)
    return draft.add(Step("cat", [part.index for part in parts], name), flat)


def _pointwise(draft: Draft, name: str, op: str, args: Any, keywords: Any) -> Value:
    if len(args) != 2 or keywords or not all(isinstance(value, Value) for value in args):
        raise refuse(name, f"{op} with something else than two tensors is not covered")
    first, second = args
    if draft.shape(first) != draft.shape(second) and draft.shape(first)[1:] == (1, 1):
        first, second = second, first
    if first.flat != second.flat:
        raise refuse(name, f"{op} of a flattened tensor and one that is not")
    return draft.add(Step(op, [first.index, second.index], name), first.flat)
