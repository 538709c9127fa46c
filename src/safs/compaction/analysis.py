"""Which units of a traced network are constants, and which ones anything reads.

A unit is a channel of an image [batch, channels, ...] or a feature [batch, features]. One that no weight leads to is a
constant: the activation of its bias, batch norm included. One that no weight leads away from is not needed. What a
node of the graph does to units is told by its kind; a node of no known kind needs all of its inputs and gives no
constants.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from safs.compaction.graph import kind_of, shape_of


@dataclass
class Units:
    """What is known of the units of a graph.

    Attributes:
        kinds: what each node does, by name.
        constants: by node name, the value of each unit, NaN where it is not a constant.
        keep: by node name, whether each unit stays.
        blocked: constants that stay, as `node[unit]: why`.
        lasting: nothing is taken out that biases of other values would keep.
    """

    kinds: dict[str, str]
    constants: dict[str, Tensor] = field(default_factory=dict)
    keep: dict[str, Tensor] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)
    lasting: bool = False


def foldable(module: nn.Module, constants: Tensor, lasting: bool = False) -> Tensor:
    """Whether a layer can do without each constant input [in]: its bias takes it up, and no padding shows it.

    A constant of 0 needs neither; but what is 0 now may be another number once biases are trained, which `lasting` rules out.
    """
    padding = getattr(module, "padding", 0)
    sides = (0,) if padding == "valid" else padding if isinstance(padding, tuple) else (padding,)
    if module.bias is None or any(sides):
        return torch.zeros_like(constants, dtype=torch.bool) if lasting else constants == 0
    return ~constants.isnan()


def summed(weight: Tensor) -> Tensor:
    """A layer's weights [out, in, ...] summed over the places of a kernel, [out, in]."""
    weight = weight.detach().double()
    return weight.flatten(2).sum(2) if weight.dim() > 2 else weight


def _layer_constants(module: Any, inputs: Tensor, lasting: bool) -> Tensor:
    """The value of each output unit that no changing input leads to, NaN for the others."""
    fine = foldable(module, inputs, lasting)
    moved = (summed(module.weight.abs())[:, ~fine] != 0).any(1)
    value = summed(module.weight)[:, fine] @ inputs[fine]
    if module.bias is not None:
        value = value + module.bias.detach().double()
    return torch.where(moved, torch.nan, value)


def _constants(  # noqa: PLR0911 (one a kind)
    node: fx.Node, kind: str, graph: fx.GraphModule, known: dict[str, Tensor], lasting: bool
) -> Tensor:
    shape = shape_of(node)
    nothing = torch.full((shape[1] if len(shape) > 1 else 0,), torch.nan, dtype=torch.float64)
    sources = [known[source.name] for source in node.all_input_nodes]
    module: Any = graph.get_submodule(str(node.target)) if node.op == "call_module" else None
    if kind == "layer":
        return _layer_constants(module, sources[0], lasting)
    if kind == "sum":
        return sources[0] + sources[1] if len(sources) == 2 else 2 * sources[0]
    if kind == "cat":
        parts: Any = node.args[0]
        return torch.cat([known[part.name] for part in parts])
    if kind == "flatten":
        return sources[0].repeat_interleave(len(nothing) // max(len(sources[0]), 1))
    if kind in {"pool", "mean"}:
        return sources[0]  # the padding of a maximum is no number
    if kind == "same":
        sides = shape_of(node.all_input_nodes[0])[2:]
        x = sources[0].nan_to_num(0.0).float().view(1, -1, *[1] * len(sides)).repeat(1, 1, *sides)
        if module is not None:
            y = module(x)
        else:
            rest = [x if argument is node.all_input_nodes[0] else argument for argument in node.args]
            extra = {**node.kwargs, "training": False} if node.target is F.dropout else node.kwargs
            y = getattr(x, str(node.target))(*rest[1:]) if node.op == "call_method" else node.target(*rest, **extra)  # type: ignore[operator]
        return torch.where(
            sources[0].isnan(), torch.nan, y.flatten(2)[0, :, 0].double() if y.dim() > 2 else y[0].double()
        )
    return nothing


def _reads(module: Any, kept: Tensor) -> Tensor:
    """Whether any kept output reads each input [in]."""
    return (summed(module.weight.abs())[kept] != 0).any(0)


@torch.no_grad()
def analyse(graph: fx.GraphModule, lasting: bool = False) -> Units:
    """Find the constants from the input onwards, and what is read from the output backwards."""
    nodes = list(graph.graph.nodes)
    units = Units({node.name: kind_of(node, graph) for node in nodes}, lasting=lasting)
    training = graph.training
    graph.eval()
    for node in nodes:
        kind = units.kinds[node.name]
        units.constants[node.name] = _constants(node, kind, graph, units.constants, lasting)
    graph.train(training)
    keep = {node.name: torch.zeros(len(units.constants[node.name]), dtype=torch.bool) for node in nodes}
    units.keep = keep
    while True:
        before = {name: mask.clone() for name, mask in keep.items()}
        for node in reversed(nodes):
            _demand(node, units, graph)
        if all(torch.equal(mask, before[name]) for name, mask in keep.items()):
            break
    for node in nodes:
        if units.kinds[node.name] == "layer":
            stuck = keep[node.name] & ~units.constants[node.name].isnan()
            if any(user.op == "output" for user in node.users):
                continue
            units.blocked += [f"{node.target}[{unit}]" for unit in stuck.nonzero().flatten().tolist()]
    return units


def _demand(node: fx.Node, units: Units, graph: fx.GraphModule) -> None:  # noqa: PLR0912 (one a kind)
    """Ask the inputs of a node for what it needs."""
    kind, keep = units.kinds[node.name], units.keep
    own = keep[node.name]
    sources = node.all_input_nodes
    if kind == "input":
        own[:] = True
    elif kind == "layer":
        if len(own) and not own.any():
            own[0] = True  # a layer keeps one unit at least
        module = graph.get_submodule(str(node.target))
        source = sources[0]
        keep[source.name] |= _reads(module, own) & ~foldable(module, units.constants[source.name], units.lasting)
        if not keep[source.name].any():
            keep[source.name][0] = True
    elif kind in {"same", "pool", "mean"}:
        own |= keep[sources[0].name]
        keep[sources[0].name] |= own
    elif kind == "sum":
        for source in sources:
            own |= keep[source.name]
        for source in sources:
            keep[source.name] |= own
    elif kind == "cat":
        parts: Any = node.args[0]
        for part, asked in zip(parts, own.split([len(keep[part.name]) for part in parts]), strict=True):
            keep[part.name] |= asked
        own |= torch.cat([keep[part.name] for part in parts])
    elif kind == "flatten":
        asked = own.view(len(keep[sources[0].name]), -1)
        keep[sources[0].name] |= asked.any(1)
        own |= keep[sources[0].name].repeat_interleave(asked.shape[1])
    else:
        own[:] = True
        for source in sources:
            keep[source.name][:] = True
