"""An activation site of a network: a module whose operator can be changed and whose scales can be learnt."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from safs.activations.operators import operator_named
from safs.activations.types import SCALES
from safs.errors import SafsError, unknown


class Activation(nn.Module):
    """Applies one operator to a tensor of any shape and returns a tensor of the same shape.

    Args:
        operator: a name from `OPERATORS`.
        scales: the operator's scales (alpha, beta, ...) are constants (fixed), or parameters with one value for the
            whole site (layer) or one value for every channel (channel).
        channels: size of the channel axis; needed for `channel`, otherwise kept for a later change.
        axis: which axis of the input holds the channels; may count from the end.
        initial: where learnt scales start, by name; the operator's own constants where not named.

    Attributes:
        original: the operator that the site had when it was made; a change of operators keeps it.
        inplace: the result is written into the input too, for models that read it there.
        wrote_in_place: the module that the site replaces wrote into its input.

    Raises:
        SafsError: no operator has that name, the scales are none of the three, the number of channels is missing, or
            initial values are given for constants or for scales that the operator has not.
    """

    def __init__(
        self,
        operator: str = "relu",
        scales: str = "fixed",
        *,
        channels: int | None = None,
        axis: int = 1,
        initial: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        if scales not in SCALES:
            raise unknown("kind of scales", scales, SCALES)
        self.operator = operator_named(operator)
        self.scales = scales
        self.channels = channels
        self.axis = axis
        self.original = operator
        self.inplace = False
        self.wrote_in_place = False
        if scales == "fixed" and initial:
            raise SafsError(f"initial is {dict(initial)} but the scales are fixed; initial values are for learnt ones")
        if scales == "channel" and channels is None:
            raise SafsError("scales is 'channel' but the number of channels is unknown; give channels, or take 'layer'")
        for name in initial or {}:
            if name not in self.operator.scales:
                raise unknown(f"scale of {operator}", name, self.operator.scales)
        if scales != "fixed":
            size = () if scales == "layer" or channels is None else (channels,)
            for name, value in {**self.operator.scales, **(initial or {})}.items():
                self.register_parameter(name, nn.Parameter(torch.full(size, float(value))))

    def forward(self, x: Tensor) -> Tensor:
        if self.inplace:  # the copy is for the gradient, which needs the input
            return x.copy_(self._apply_operator(x.clone()))
        return self._apply_operator(x)

    def _apply_operator(self, x: Tensor) -> Tensor:
        if self.scales == "fixed":
            return self.operator.function(x, **self.operator.scales)
        if self.scales == "layer":
            return self.operator.function(x, **self._parameters)  # named_parameters() is slow
        shape = [1] * x.ndim
        shape[self.axis] = -1
        # cast: unlike a scalar, a float32 vector would turn a bfloat16 input into float32
        return self.operator.function(
            x, **{n: p.to(x.dtype).view(shape) for n, p in self._parameters.items() if p is not None}
        )

    def extra_repr(self) -> str:
        return f"{self.operator.name}, scales={self.scales}"


def activation_sites(model: nn.Module) -> dict[str, Activation]:
    """The activation sites of a model by module name, in the order in which they were defined."""
    return {name: module for name, module in model.named_modules() if isinstance(module, Activation)}


def set_activations(
    model: nn.Module,
    operators: Mapping[str, str],
    scales: str = "fixed",
    *,
    initial: Mapping[str, float] | None = None,
) -> None:
    """Give sites new operators, in place; sites that are not named keep theirs.

    Args:
        model: a network with `Activation` modules.
        operators: operator name by site name.
        scales: what the scales of these sites are: fixed | layer | channel.
        initial: where learnt scales start, by name; operators without a scale of that name have no use for it.

    Raises:
        SafsError: a site, an operator or the kind of scales is unknown, or a site's number of channels is.
    """
    sites = activation_sites(model)
    for name, operator in operators.items():
        if name not in sites:
            raise unknown("activation site", name, sites)
        parent, _, child = name.rpartition(".")
        old, own = sites[name], operator_named(operator).scales
        start = {scale: value for scale, value in (initial or {}).items() if scale in own}
        try:
            new = Activation(operator, scales, channels=old.channels, axis=old.axis, initial=start)
        except SafsError as error:
            raise SafsError(f"activation site {name!r}: {error}") from None
        new.train(old.training)
        new.original, new.inplace, new.wrote_in_place = old.original, old.inplace, old.wrote_in_place
        setattr(model.get_submodule(parent), child, new)


def scale_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The learnt scales of all sites: trained, but neither pruned nor decayed."""
    return [parameter for site in activation_sites(model).values() for parameter in site.parameters()]
