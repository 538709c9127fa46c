"""A smaller network with the same outputs: units that are constants or that nothing reads are taken out.

Exact in evaluation mode. When the small network is trained, a removed constant lives on in the biases of its readers,
which learn; in the large network the constant unit's own bias, batch norm and scales would have learnt as well. A constant
other than 0 stays (and is listed under `blocked`) where a padding would show it or its reader has no bias, and so do units
of layers with groups, of layers used in several places, and around functions that are not known.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

from safs.activations import Activation
from safs.compaction.analysis import Units, analyse, foldable, summed
from safs.compaction.graph import NORMS, trace


@dataclass
class _Piece:
    """Where a tensor of the small network lies in the large one, and what its bias has taken up."""

    index: tuple[Tensor, ...]
    folded: Tensor | None = None


@dataclass
class Compacted:
    """A network without the units that do nothing.

    Attributes:
        model: the small network; its tensors have the names of the large one's.
        original: the large network.
        removed: by layer, how many units were taken out.
        blocked: constant units that had to stay, or, with one entry, why nothing could be removed.
    """

    model: nn.Module
    original: nn.Module
    removed: dict[str, int] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)
    pieces: dict[str, _Piece] = field(default_factory=dict)

    def shrink(self, name: str, value: Tensor) -> Tensor:
        """The part of a tensor in the shape of the large network's `name` that the small one has."""
        piece = self.pieces.get(name)
        return value if piece is None else value[torch.meshgrid(*piece.index, indexing="ij")]

    @torch.no_grad()
    def restore(self) -> nn.Module:
        """Write the weights of the small network back into the large one, and give that."""
        if self.model is self.original:
            return self.original
        large = self.original.state_dict()
        for name, value in self.model.state_dict().items():
            piece = self.pieces.get(name)
            if piece is None:
                large[name].copy_(value)
            else:
                own = value if piece.folded is None else value - piece.folded.to(value)
                large[name][torch.meshgrid(*piece.index, indexing="ij")] = own.to(large[name])
        return self.original


def compact(model: nn.Module, input_shape: tuple[int, ...], lasting: bool = False) -> Compacted:
    """Take out of a network the units that do nothing.

    Args:
        model: the network; it is not changed. One that torch.fx cannot trace is given back as it is.
        input_shape: of one example, [channels, height, width].
        lasting: take out only what would go for biases of any values, so that the same goes before and after a training.
    """
    try:
        shared = {id(site.operator): site.operator for site in model.modules() if isinstance(site, Activation)}
        graph = trace(copy.deepcopy(model, shared), input_shape)
    except Exception as error:
        return Compacted(model, model, {}, [f"the model cannot be traced: {type(error).__name__}: {error}"])
    units = analyse(graph, lasting)
    result = Compacted(graph, model, blocked=units.blocked)
    for node in graph.graph.nodes:
        if node.op == "call_module":
            _cut(node, units, graph.get_submodule(str(node.target)), result)
    return result


@torch.no_grad()
def _cut(node: fx.Node, units: Units, module: Any, result: Compacted) -> None:
    """Cut a module down to the units that stay."""
    kind, own = units.kinds[node.name], units.keep[node.name]
    rows = own.nonzero().flatten()
    prefix = f"{node.target}."
    if kind == "layer":
        source = node.all_input_nodes[0]
        columns = units.keep[source.name].nonzero().flatten()
        if len(rows) == len(own) and len(columns) == len(units.keep[source.name]):
            return
        constants = units.constants[source.name]
        gone = ~units.keep[source.name] & foldable(module, constants) & (constants != 0)
        folded = (summed(module.weight)[:, gone] @ constants[gone])[rows]
        sides = tuple(torch.arange(side) for side in module.weight.shape[2:])
        result.pieces[f"{prefix}weight"] = _Piece((rows, columns, *sides))
        module.weight = nn.Parameter(module.weight.detach()[rows][:, columns].clone())
        if module.bias is not None:
            result.pieces[f"{prefix}bias"] = _Piece((rows,), folded)
            module.bias = nn.Parameter((module.bias.detach()[rows].double() + folded).to(module.weight.dtype))
        names = ("out_features", "in_features") if isinstance(module, nn.Linear) else ("out_channels", "in_channels")
        setattr(module, names[0], len(rows))
        setattr(module, names[1], len(columns))
        if len(rows) < len(own):
            result.removed[str(node.target)] = len(own) - len(rows)
    elif kind == "same" and len(rows) < len(own):
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if value.dim() and value.shape[0] == len(own):
                result.pieces[prefix + name] = _Piece((rows,))
                smaller = value.detach()[rows].clone()
                setattr(module, name, nn.Parameter(smaller) if isinstance(value, nn.Parameter) else smaller)
        if isinstance(module, NORMS):
            module.num_features = len(rows)
        if isinstance(module, Activation) and getattr(module, "channels", None):
            module.channels = len(rows)
