"""The graph of a network, and what each of its nodes does to units."""

import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from safs.activations import Activation

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
PLAIN = (Activation, nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.ELU, nn.SELU, nn.Mish, nn.Tanh, nn.Hardtanh, nn.Hardswish)
SAME = (*PLAIN, *NORMS, nn.Sigmoid, nn.Hardsigmoid, nn.LeakyReLU, nn.Softplus, nn.LogSigmoid, nn.Identity, nn.Dropout)
POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
SAME_FUNCTIONS = {F.relu, F.relu6, F.silu, F.gelu, F.elu, F.hardswish, F.mish, F.softplus, F.logsigmoid, F.dropout}
SAME_FUNCTIONS |= {torch.relu, torch.tanh, torch.sigmoid, F.leaky_relu, F.hardtanh, F.selu}
SAME_METHODS = {"relu", "tanh", "sigmoid", "relu_", "contiguous"}
POOL_FUNCTIONS = {F.max_pool2d, F.adaptive_avg_pool2d, F.adaptive_max_pool2d, F.max_pool1d, F.adaptive_avg_pool1d}
POOL_FUNCTIONS |= {torch.max_pool2d, torch.max_pool1d}
SUMS = {operator.add, operator.iadd, torch.add}


class _Tracer(fx.Tracer):
    """Activation sites are units of the graph, not what is inside of them."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, Activation) or super().is_leaf_module(m, module_qualified_name)


def trace(model: nn.Module, input_shape: tuple[int, ...]) -> fx.GraphModule:
    """The graph of a network, with the shape of every result.

    Raises:
        Exception: whatever torch.fx says of a network that it cannot trace.
    """
    graph = fx.GraphModule(model, _Tracer().trace(model))
    training = model.training
    graph.eval()
    with torch.no_grad():
        ShapeProp(graph).propagate(torch.zeros(2, *input_shape))
    graph.train(training)
    return graph


def shape_of(node: fx.Node) -> tuple[int, ...]:
    """The shape of a node's result, the batch first; empty for what is no tensor."""
    return tuple(getattr(node.meta.get("tensor_meta"), "shape", ()))


def kind_of(node: fx.Node, graph: fx.GraphModule) -> str:  # noqa: PLR0911 (one a kind)
    """What a node does to units: layer, same, pool, sum, cat, flatten, mean, input, output or unknown."""
    if node.op in {"placeholder", "output"}:
        return "input" if node.op == "placeholder" else "output"
    if node.op == "call_module":
        module = graph.get_submodule(str(node.target))
        uses = sum(other.op == "call_module" and other.target == node.target for other in graph.graph.nodes)
        if uses > 1 and any(True for _ in module.state_dict()):
            return "unknown"  # one set of weights for several places
        if isinstance(module, LAYERS):
            plain = isinstance(module, nn.Linear) or (module.groups == 1 and module.padding_mode == "zeros")
            return "layer" if plain and (not isinstance(module, nn.Linear) or len(shape_of(node)) == 2) else "unknown"
        if isinstance(module, nn.Flatten) and module.start_dim == 1 and module.end_dim == -1:
            return "flatten"
        return "same" if isinstance(module, SAME) else "pool" if isinstance(module, POOLS) else "unknown"
    if node.target in SAME_FUNCTIONS or (node.op == "call_method" and node.target in SAME_METHODS):
        return "same"
    if node.target in POOL_FUNCTIONS:
        return "pool"
    if node.target in SUMS and all(isinstance(a, fx.Node) and shape_of(a) == shape_of(node) for a in node.args):
        return "sum"
    if node.target is torch.cat and (node.args[1:] or (node.kwargs.get("dim", 0),)) == (1,):
        return "cat"
    if node.target in {torch.flatten, "flatten"} and node.args[1:] == (1,):
        return "flatten"
    spatial = [tuple(range(2, len(shape_of(node.all_input_nodes[0])))) if node.all_input_nodes else ()]
    if node.target in {torch.mean, "mean"} and len(node.args) > 1 and len(spatial[0]):
        dimensions: Any = node.args[1]
        sides = len(spatial[0]) + 2
        wanted = [dimensions] if isinstance(dimensions, int) else list(dimensions)
        return "mean" if tuple(sorted(d % sides for d in wanted)) == spatial[0] else "unknown"
    return "unknown"
