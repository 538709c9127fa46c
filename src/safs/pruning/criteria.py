"""Criteria: what a weight is worth."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import get_args

from torch import Tensor, nn

from safs.errors import SafsError, unknown
from safs.pruning.masks import prunable_weights
from safs.pruning.scopes import GONE
from safs.pruning.types import Criterion

Gradients = Mapping[str, Tensor]


def _magnitude(name: str, weight: Tensor, gradients: Gradients | None) -> Tensor:  # noqa: ARG001
    return weight.abs()


def _gradient(name: str, weight: Tensor, gradients: Gradients | None) -> Tensor:
    if gradients is None or name not in gradients:
        raise SafsError(f"criterion 'gradient' needs the gradient of {name}; hand it in as gradients[{name!r}]")
    if gradients[name].shape != weight.shape:
        shapes = tuple(gradients[name].shape), tuple(weight.shape)
        raise SafsError(f"the gradient of {name} has the shape {shapes[0]}, the weight {shapes[1]}")
    return (weight * gradients[name].detach()).abs()


CRITERIA: Mapping[str, Callable[[str, Tensor, Gradients | None], Tensor]] = {
    "magnitude": _magnitude,
    "gradient": _gradient,
}
assert set(CRITERIA) == set(get_args(Criterion))


def weights_to_prune(model: nn.Module, ignore: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """The prunable weights but for those that a pattern names, by parameter name.

    Args:
        model: the network.
        ignore: patterns with `*` and `?` on names of parameters (`fc3.weight`) or layers (`fc*`).

    Raises:
        SafsError: a pattern matches nothing, or nothing is left to prune.
    """
    weights = prunable_weights(model)
    if not weights:
        raise SafsError("the model has no convolution or linear layer to prune")
    left = dict(weights)
    for pattern in ignore:
        hits = [n for n in weights if fnmatchcase(n, pattern) or fnmatchcase(n.removesuffix(".weight"), pattern)]
        if not hits:
            raise unknown("layer to ignore", pattern, (name.removesuffix(".weight") for name in weights))
        left = {name: weight for name, weight in left.items() if name not in hits}
    if not left:
        raise SafsError(f"ignore {list(ignore)} leaves no layer to prune")
    return left


def score_weights(weights: Mapping[str, Tensor], criterion: str, gradients: Gradients | None) -> dict[str, Tensor]:
    """What every weight is worth, 0 or more; minus infinity for those that are zero already.

    Args:
        weights: by parameter name.
        criterion: `magnitude`, or `gradient`: |weight x gradient|, the first-order change of the loss when the weight
            goes (Molchanov et al. 2019, arXiv:1906.10771, and SNIP, arXiv:1810.02340).
        gradients: of the loss by parameter name, for `gradient`.

    Raises:
        SafsError: the criterion is unknown, or a gradient is missing or of another shape.
    """
    if criterion not in CRITERIA:
        raise unknown("pruning criterion", criterion, CRITERIA)
    scores = {}
    for name, weight in weights.items():
        score = CRITERIA[criterion](name, weight.detach(), gradients).clone()
        scores[name] = score.masked_fill_(weight.detach() == 0, GONE)
    return scores
