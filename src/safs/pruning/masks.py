"""Masks: which weights are left. In a saved model the zeros of its weights are the mask."""

import hashlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

Masks = dict[str, Tensor]


def prunable_weights(model: nn.Module) -> dict[str, Tensor]:
    """The weights that pruning may zero: those of convolutions and linear layers, by parameter name.

    Biases, normalisation and activation scales are kept (arXiv:2305.10964).
    """
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
    layers = ((name, module) for name, module in model.named_modules() if isinstance(module, kinds))
    return {f"{name}.weight" if name else "weight": layer.weight for name, layer in layers}


def masks_of(model: nn.Module) -> Masks:
    """The masks (bool, True where a weight is left) that a model's zeros stand for."""
    return {name: weight.detach() != 0 for name, weight in prunable_weights(model).items()}


@torch.no_grad()
def apply_masks(model: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Zero the weights that the masks leave out, in place."""
    weights = prunable_weights(model)
    torch._foreach_mul_([weights[name] for name in masks], [mask.to(weights[name]) for name, mask in masks.items()])


def weights_left(model: nn.Module) -> tuple[int, int]:
    """How many prunable weights are not zero, and how many there are."""
    weights = prunable_weights(model).values()
    return sum(int(torch.count_nonzero(w)) for w in weights), sum(w.numel() for w in weights)


def mask_fingerprint(model: nn.Module) -> str:
    """SHA-256 of which prunable weights are left, in any layer and place; the values of the weights do not count."""
    digest = hashlib.sha256()
    for name, mask in sorted(masks_of(model).items()):
        digest.update(f"{name} {tuple(mask.shape)}\0".encode())
        digest.update(np.packbits(mask.cpu().numpy()).tobytes())
    return digest.hexdigest()
