"""One training loop for dense and sparse networks."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from safs.activations import scale_parameters
from safs.data.tensors import Batchable
from safs.pruning.masks import Masks, apply_masks, prunable_weights
from safs.training.schedules import SCHEDULES
from safs.training.settings import Hyperparameters


@dataclass(frozen=True, order=True)
class Score:
    """How good a network is on validation data; the larger, the better: accuracy first, then the lower loss.

    Attributes:
        accuracy: fraction right, in [0, 1].
        negative_loss: minus the mean cross-entropy, in nats.
    """

    accuracy: float
    negative_loss: float


WORST = Score(0.0, -1e9)
OnEpoch = Callable[[int, float, Score], None]


@torch.no_grad()
def measure(model: nn.Module, data: Batchable, batch_size: int = 2048) -> Score:
    """Accuracy and mean cross-entropy of a model on a part of a data set."""
    logits = torch.cat(list(predict_logits(model, data.x, batch_size)))
    loss = float(F.cross_entropy(logits, data.y))
    if not loss < float("inf"):  # NaN or infinity: the training has diverged
        return WORST
    return Score(int((logits.argmax(1) == data.y).sum()) / len(data.y), -loss)


@torch.no_grad()
def predict_logits(model: nn.Module, x: Tensor, batch_size: int = 2048) -> Iterator[Tensor]:
    """Logits [batch, classes] of images [count, channels, height, width], a batch at a time."""
    model.eval()
    for batch in x.split(batch_size):
        yield model(batch)


def train(
    model: nn.Module,
    training: Batchable,
    validation: Batchable,
    settings: Hyperparameters,
    epochs: int,
    seed: int,
    masks: Masks | None = None,
    on_epoch: OnEpoch | None = None,
) -> Score:
    """Train a model in place and leave it as it was after its best epoch on validation data.

    Args:
        model: the network; with `masks`, its left-out weights must be zero.
        training: what is learnt from.
        validation: what the best epoch is chosen on.
        settings: the hyperparameters.
        epochs: passes over the training data, at least 1.
        seed: decides the order of the batches; the same seed gives the same result on the same machine.
        masks: weights to keep at zero.
        on_epoch: called with the epoch (from 1), the mean training loss and the validation score; it may
            raise to stop the training.

    Returns:
        The best epoch's validation score; `WORST` if every epoch diverged.
    """
    optimizer = make_optimizer(model, settings)
    initial_rates = [group["lr"] for group in optimizer.param_groups]
    weights = prunable_weights(model)
    masked = [weights[name] for name in masks] if masks else []
    keep = [mask.to(torch.float32) for mask in masks.values()] if masks else []
    order = torch.Generator().manual_seed(seed)
    steps = -(-len(training.y) // settings.batch_size)
    best, best_state = WORST, copy.deepcopy(model.state_dict())
    for epoch in range(epochs):
        model.train()
        total = torch.zeros(())
        batches = torch.randperm(len(training.y), generator=order).split(settings.batch_size)
        for step, batch in enumerate(batches):
            factor = SCHEDULES[settings.schedule]((epoch + step / steps) / epochs)
            for group, rate in zip(optimizer.param_groups, initial_rates, strict=True):
                group["lr"] = rate * factor
            optimizer.zero_grad()
            loss = F.cross_entropy(model(training.x[batch]), training.y[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if masked:
                with torch.no_grad():
                    torch._foreach_mul_(masked, keep)  # type: ignore[arg-type]
            total += loss.detach() * len(batch)
        score = measure(model, validation)
        if score > best:
            best, best_state = score, copy.deepcopy(model.state_dict())
        if on_epoch:
            on_epoch(epoch + 1, float(total) / len(training.y), score)
        if score == WORST:
            break  # weights that are not finite do not come back
    model.load_state_dict(best_state)
    if masks:
        apply_masks(model, masks)
    return best


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
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=settings.momentum)
    kind = torch.optim.Adam if settings.optimizer == "adam" else torch.optim.AdamW
    return kind(groups, foreach=True)
