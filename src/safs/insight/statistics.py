"""Statistics of a network on a fixed batch of images; the network is left as it was."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from safs.activations import Activation, activation_sites
from safs.data.tensors import Batchable, Inputs
from safs.pruning.masks import prunable_weights

CONSTANT = 1e-6  # a unit whose output varies by no more than this is dead
FLAT = 1e-2  # an operator with a smaller slope than this is saturated


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The network in evaluation mode: no dropout, and batch norm learns nothing; then back as each module was."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def site_inputs(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """The inputs of all activation sites, by name, once the network is called in this context."""
    inputs: dict[str, Tensor] = {}
    hooks = [
        site.register_forward_pre_hook(lambda _, args, name=name: inputs.__setitem__(name, args[0].detach()))
        for name, site in activation_sites(model).items()
    ]
    try:
        yield inputs
    finally:
        for hook in hooks:
            hook.remove()


def site_statistics(model: nn.Module, images: Inputs) -> dict[str, dict[str, float | None]]:
    """What every activation site does to images [count, channels, height, width].

    Returns:
        By site: mean and std of its outputs; zeros, the share of outputs that are exactly 0; saturated, the share of
        inputs where the operator's slope is below 0.01; dead, the share of units (channels, features) whose output is
        the same for all images and positions. A number that is not finite is None.
    """
    with evaluating(model), site_inputs(model) as inputs, torch.no_grad():
        model(images[:])
    sites = activation_sites(model)
    return {name: _describe(sites[name], x) for name, x in inputs.items()}


def _describe(site: Activation, x: Tensor) -> dict[str, float | None]:
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        y = site(x)
        (slope,) = torch.autograd.grad(y.sum(), x)
    y = y.detach()
    units = y.movedim(site.axis, 0).flatten(1)  # [units, images * positions]
    values = {
        "mean": y.mean(),
        "std": y.std(correction=0),
        "zeros": (y == 0).float().mean(),
        "saturated": (slope.abs() < FLAT).float().mean(),
        "dead": (units.amax(1) - units.amin(1) <= CONSTANT).float().mean(),
    }
    return {name: finite(float(value)) for name, value in values.items()}


def gradient_norms(model: nn.Module, probe: Batchable) -> dict[str, float | None]:
    """L2 norm of the gradient of the mean cross-entropy by each prunable weight, over the weights that are left."""
    weights = prunable_weights(model)
    with evaluating(model), torch.enable_grad():
        loss = F.cross_entropy(model(probe.x), probe.y)
        gradients = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
    return {
        name: finite(float((gradient * (weight != 0)).norm())) if gradient is not None else 0.0
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
    }


def finite(value: float) -> float | None:
    """The value, or None where JSON has no number for it."""
    return value if math.isfinite(value) else None
