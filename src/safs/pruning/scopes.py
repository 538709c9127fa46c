"""Magnitude pruning: which weights go, within each layer or over the whole network."""

from collections.abc import Callable, Mapping
from typing import get_args

import torch
from torch import Tensor, nn

from safs.errors import SafsError, unknown
from safs.pruning.masks import Masks, prunable_weights
from safs.pruning.types import Scope


def keep_largest(scores: Tensor, sparsity: float) -> Tensor:
    """Mask that leaves out exactly round(sparsity * n) of n scores, the smallest ones.

    Among equal scores the earlier ones are kept, so that the result does not depend on the machine.
    """
    flat = scores.flatten()
    kept = flat.numel() - round(sparsity * flat.numel())
    order = torch.sort(flat, descending=True, stable=True).indices
    mask = torch.zeros_like(flat, dtype=torch.bool)
    mask[order[:kept]] = True
    return mask.view_as(scores)


def layerwise(scores: Mapping[str, Tensor], sparsity: float) -> Masks:
    """The same sparsity in every layer, as arXiv:2305.10964 prunes."""
    return {name: keep_largest(score, sparsity) for name, score in scores.items()}


def global_(scores: Mapping[str, Tensor], sparsity: float) -> Masks:
    """The smallest scores of the whole network go, whatever layer they are in."""
    mask = keep_largest(torch.cat([score.flatten() for score in scores.values()]), sparsity)
    parts = mask.split([score.numel() for score in scores.values()])
    return {name: part.view_as(score) for (name, score), part in zip(scores.items(), parts, strict=True)}


SCOPES: Mapping[str, Callable[[Mapping[str, Tensor], float], Masks]] = {"layerwise": layerwise, "global": global_}
assert set(SCOPES) == set(get_args(Scope))


def magnitude_masks(model: nn.Module, sparsity: float, scope: str = "layerwise") -> Masks:
    """Masks for one-shot pruning by absolute weight.

    Args:
        model: the dense network; it is not changed.
        sparsity: fraction of the prunable weights to zero, in [0, 1).
        scope: `layerwise` or `global`.

    Raises:
        SafsError: the sparsity is out of range, the scope unknown, or nothing can be pruned.
    """
    if not 0 <= sparsity < 1:
        raise SafsError(f"sparsity {sparsity} is not in [0, 1)")
    if scope not in SCOPES:
        raise unknown("pruning scope", scope, SCOPES)
    scores = {name: weight.detach().abs() for name, weight in prunable_weights(model).items()}
    if not scores:
        raise SafsError("the model has no convolution or linear layer to prune")
    return SCOPES[scope](scores, sparsity)
