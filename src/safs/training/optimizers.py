"""Optimizers, and their state by the names of the parameters."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from safs.activations import scale_parameters
from safs.training.settings import Hyperparameters


def make_optimizer(model: nn.Module, settings: Hyperparameters) -> torch.optim.Optimizer:
    """The optimizer of a model: activation scales get their own learning rate and no weight decay."""
    scales = scale_parameters(model)
    own = {id(parameter) for parameter in scales}
    weights = [parameter for parameter in model.parameters() if id(parameter) not in own]
    groups = [
        {"params": weights, "lr": settings.learning_rate, "weight_decay": settings.weight_decay},
        {"params": scales, "lr": settings.learning_rate * settings.scale_rate, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    fused = all(parameter.is_cuda for parameter in model.parameters())
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=settings.momentum, fused=fused, foreach=not fused)
    kind = torch.optim.Adam if settings.optimizer == "adam" else torch.optim.AdamW
    return kind(groups, fused=fused, foreach=not fused)


def optimizer_state(optimizer: torch.optim.Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """Copies of an optimizer's tensors, as `parameter/entry`: `fc1.weight/exp_avg`."""
    return {
        f"{name}/{entry}": value.detach().clone()
        for name, parameter in model.named_parameters()
        for entry, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give an optimizer the state that `optimizer_state` has read from one of the same kind."""
    parameters = dict(model.named_parameters())
    for name, value in state.items():
        owner, _, entry = name.rpartition("/")
        old = optimizer.state[parameters[owner]]
        on_cpu = entry == "step" and not optimizer.defaults["fused"]  # where Adam counts its steps
        device = torch.device("cpu") if on_cpu else parameters[owner].device
        old[entry] = value.to(device, copy=True)
