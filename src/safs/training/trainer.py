"""One training loop for dense and sparse networks, whatever engine computes it."""

import copy
from collections.abc import Callable

import torch
from torch import nn

from safs.data.tensors import Batchable
from safs.pruning.masks import Masks, apply_masks
from safs.training.engine import Engine, make_engine
from safs.training.optimizers import make_optimizer
from safs.training.schedules import SCHEDULES
from safs.training.score import WORST, Score, measure, predict_logits
from safs.training.settings import Compute, Hyperparameters

__all__ = ["WORST", "OnEpoch", "Score", "make_optimizer", "measure", "predict_logits", "train"]

OnEpoch = Callable[[int, float, Score], None]


def train(
    model: nn.Module,
    training: Batchable,
    validation: Batchable,
    settings: Hyperparameters,
    epochs: int,
    seed: int,
    masks: Masks | None = None,
    on_epoch: OnEpoch | None = None,
    *,
    compute: Compute = Compute(),
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
        on_epoch: called with the epoch (from 1), the mean training loss and the validation score; the model then has
            the weights of that epoch; it may raise to stop the training.
        compute: what to compute with.

    Returns:
        The best epoch's validation score; `WORST` if every epoch diverged.

    Raises:
        SafsError: what to compute with is not there.
    """
    engine = make_engine(model, training, settings, masks, compute)
    try:
        best = _loop(engine, model, len(training.y), validation, settings, epochs, seed, on_epoch)
    finally:
        engine.close()
    if masks:
        apply_masks(model, masks)
    return best


def _loop(
    engine: Engine,
    model: nn.Module,
    images: int,
    validation: Batchable,
    settings: Hyperparameters,
    epochs: int,
    seed: int,
    on_epoch: OnEpoch | None,
) -> Score:
    order = torch.Generator().manual_seed(seed)
    steps = -(-images // settings.batch_size)
    schedule = SCHEDULES[settings.schedule]
    best, best_state = WORST, copy.deepcopy(model.state_dict())
    for epoch in range(epochs):
        rates = [schedule((epoch + step / steps) / epochs) for step in range(steps)]
        loss = engine.epoch(torch.randperm(images, generator=order), rates)
        score = engine.measure(validation)
        if score > best or on_epoch:
            engine.sync()
        if score > best:
            best, best_state = score, copy.deepcopy(model.state_dict())
        if on_epoch:
            on_epoch(epoch + 1, loss, score)
        if score == WORST:
            break  # weights that are not finite do not come back
    model.load_state_dict(best_state)
    return best
