"""An activation site of a network: a module whose operator can be changed and whose scales can be learnt."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from safs.activations.operators import operator_named
from safs.errors import unknown


class Activation(nn.Module):
    """Applies one operator to a tensor of any shape and returns a tensor of the same shape.

    Args:
        operator: a name from `OPERATORS`.
        learnt: the operator's scales are parameters, one value a layer, instead of constants.

    Raises:
        SafsError: no operator has that name.
    """

    def __init__(self, operator: str = "relu", *, learnt: bool = False) -> None:
        super().__init__()
        self.operator = operator_named(operator)
        self.learnt = learnt
        if learnt:
            for name, value in self.operator.scales.items():
                self.register_parameter(name, nn.Parameter(torch.tensor(value)))

    def forward(self, x: Tensor) -> Tensor:
        scales = self._parameters if self.learnt else self.operator.scales  # named_parameters() is slow
        return self.operator.function(x, **scales)

    def extra_repr(self) -> str:
        return f"{self.operator.name}, learnt={self.learnt}"


def activation_sites(model: nn.Module) -> dict[str, Activation]:
    """The activation sites of a model by module name, in the order in which they were defined."""
    return {name: module for name, module in model.named_modules() if isinstance(module, Activation)}


def set_activations(model: nn.Module, operators: Mapping[str, str], *, learnt: bool = False) -> None:
    """Give sites new operators, in place; sites that are not named keep theirs.

    Args:
        model: a network with `Activation` modules.
        operators: operator name by site name.
        learnt: make the scales of these sites parameters.

    Raises:
        SafsError: a site or an operator is unknown.
    """
    sites = activation_sites(model)
    for name, operator in operators.items():
        if name not in sites:
            raise unknown("activation site", name, sites)
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, Activation(operator, learnt=learnt))


def scale_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The learnt scales of all sites: trained, but neither pruned nor decayed."""
    return [parameter for site in activation_sites(model).values() for parameter in site.parameters()]
