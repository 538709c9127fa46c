"""The pruned network as stage 2 trains it: its operators, and where their learnt scales start."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from safs.activations import activation_sites, set_activations
from safs.models import load_model


def prepare_model(folder: Path, activations: Mapping[str, str], scales: str) -> nn.Module:
    """The pruned network with other operators, their scales fixed, or learnt by layer or channel."""
    model, _ = load_model(folder)
    set_activations(model, activations, scales)
    return model


@torch.no_grad()
def start_scales(model: nn.Module, alpha: float, beta: float) -> None:
    """Multiply the learnt outer (alpha) and inner (beta) scales of every site, in place; constants stay as they are."""
    for site in activation_sites(model).values():
        learnt = dict(site.named_parameters())
        for name, factor in (("alpha", alpha), ("beta", beta)):
            if name in learnt:
                learnt[name].mul_(factor)
