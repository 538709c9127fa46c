"""Scopes: how the weights that are left are shared out among the layers."""

from collections.abc import Callable, Mapping
from typing import get_args

import torch
from torch import Tensor

from safs.pruning.masks import Masks
from safs.pruning.types import Scope

GONE = -torch.inf  # the score of a weight that is zero already and never comes back


def keep_largest(scores: Tensor, sparsity: float) -> Tensor:
    """Mask that leaves out exactly round(sparsity * n) of n scores, the smallest ones.

    Among equal scores the earlier ones are kept, so that the result does not depend on the machine. A score of minus
    infinity is never kept: where there are many of them, less is left.
    """
    flat = scores.flatten()
    kept = flat.numel() - round(sparsity * flat.numel())
    order = torch.sort(flat, descending=True, stable=True).indices
    mask = torch.zeros_like(flat, dtype=torch.bool)
    mask[order[:kept]] = True
    return (mask & (flat != GONE)).view_as(scores)


def by_rank(score: Tensor, worth: Callable[[Tensor], Tensor]) -> Tensor:
    """Give the weights of one layer, sorted by falling score, new scores [n], and bring these to the layer's shape."""
    values, order = torch.sort(score.flatten().double(), descending=True, stable=True)
    new = torch.empty_like(values)
    new[order] = torch.where(values == GONE, GONE, worth(values.clamp(min=0)))
    return new.view_as(score)


def lamp(score: Tensor) -> Tensor:
    """LAMP (Lee et al. 2021, arXiv:2010.07611): a squared weight over the sum of those not smaller in its layer."""
    tiny = torch.finfo(torch.float64).tiny
    return by_rank(score, lambda values: values.square() / values.square().cumsum(0).clamp(min=tiny))


def erk(score: Tensor) -> Tensor:
    """Erdos-Renyi-kernel densities (Evci et al. 2020, arXiv:1911.11134) as a ranking over all layers.

    A layer of shape [out, in, ...] is to keep in proportion to r = out + in + ..., so its k-th weight, k from 1, ranks
    by r / (k - 1/2). The first K of that ranking are the densities rounded, capped at 1 and redistributed (Webster's
    method): the total is exact, and more sparsity never gives a layer more.
    """
    sides = sum(score.shape)
    return by_rank(score, lambda values: sides / (torch.arange(len(values), device=values.device).double() + 0.5))


RESCORED: Mapping[str, Callable[[Tensor], Tensor]] = {"global": lambda score: score, "erk": erk, "lamp": lamp}
assert {"layerwise", *RESCORED} == set(get_args(Scope))


def rescore(scores: Mapping[str, Tensor], scope: Scope) -> dict[str, Tensor]:
    """The scores that a scope compares: those of one layer, or of all of them."""
    return {name: RESCORED[scope](score) if scope in RESCORED else score for name, score in scores.items()}


def choose(scores: Mapping[str, Tensor], sparsity: float, scope: Scope) -> Masks:
    """Masks that leave out exactly round(sparsity * n) weights of every layer, or of all layers together.

    Args:
        scores: how much each weight is worth, 0 or more, by parameter name; minus infinity for those gone already.
        sparsity: fraction to leave out, in [0, 1).
        scope: `layerwise` (the same fraction in every layer, as arXiv:2305.10964 prunes), `global` (the smallest scores
            wherever they are), `erk` or `lamp`.
    """
    if scope == "layerwise":
        return {name: keep_largest(score, sparsity) for name, score in scores.items()}
    flat = torch.cat([score.flatten().double() for score in rescore(scores, scope).values()])
    parts = keep_largest(flat, sparsity).split([score.numel() for score in scores.values()])
    return {name: part.view_as(score) for (name, score), part in zip(scores.items(), parts, strict=True)}
