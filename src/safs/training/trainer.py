"""One training loop for dense and sparse networks, whatever engine computes it."""

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from safs.data.tensors import Batchable
from safs.pruning.masks import Masks, apply_masks
from safs.training.checkpoint import Checkpoint, History, load_checkpoint, save_checkpoint, training_key
from safs.training.engine import make_engine
from safs.training.optimizers import make_optimizer
from safs.training.schedules import rate_factors
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
    checkpoint: Path | None = None,
    checkpoint_every: int = 1,
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
            the weights of that epoch; it may raise to stop the training. A training that goes on from a checkpoint
            first reports the epochs that it has behind it.
        compute: what to compute with.
        checkpoint: file to keep the unfinished training in; if it is there, the training goes on from it and ends as
            it would have without the interruption. It stays when the training has ended: remove it once the model is
            saved.
        checkpoint_every: epochs between two writings of it.

    Returns:
        The best epoch's validation score; `WORST` if every epoch diverged.

    Raises:
        SafsError: what to compute with is not there, or the checkpoint is damaged or of another training.
    """
    key = training_key(model, settings, epochs, seed, masks, compute) if checkpoint else ""
    saved = load_checkpoint(checkpoint, key) if checkpoint else None
    best_state: Mapping[str, Tensor] = copy.deepcopy(model.state_dict())
    order = torch.Generator().manual_seed(seed)
    history: History = []
    if saved:
        model.load_state_dict(saved.model)
        best_state, history = saved.best, list(saved.history)
        order.set_state(saved.order)
    engine = make_engine(model, training, settings, masks, compute)
    if saved:
        engine.restore(saved.engine)

    def after_epoch(loss: float, score: Score) -> None:
        """Keep the best state, write the checkpoint, report."""
        nonlocal best_state
        better = score > max((past for _, past in history), default=WORST)
        history.append((loss, score))
        due = checkpoint and (len(history) % checkpoint_every == 0 or _ended(history, epochs, settings.patience))
        if better or due or on_epoch:
            engine.sync()
        if better:
            best_state = copy.deepcopy(model.state_dict())
        if checkpoint and due:
            now = Checkpoint(history, model.state_dict(), best_state, engine.state(), order.get_state())
            save_checkpoint(checkpoint, key, now)
        if on_epoch:
            on_epoch(len(history), loss, score)

    try:
        for epoch, (loss, score) in enumerate(history, start=1):
            if on_epoch:
                on_epoch(epoch, loss, score)
        steps = -(-len(training.y) // settings.batch_size)
        while not _ended(history, epochs, settings.patience):
            rates = rate_factors(settings, [past for _, past in history], epochs, steps)
            loss = engine.epoch(training.order(order), rates)
            after_epoch(loss, engine.measure(validation))
    finally:
        engine.close()
    model.load_state_dict(best_state)  # an engine may write the last epoch's weights when it is closed
    if masks:
        apply_masks(model, masks)
    return max((score for _, score in history), default=WORST)


def _ended(history: Sequence[tuple[float, Score]], epochs: int, patience: int) -> bool:
    """Whether a training is over: all epochs done, diverged for good, or no better score for `patience` epochs."""
    scores = [score for _, score in history]
    if len(scores) >= epochs or (scores and scores[-1] == WORST):
        return True
    return bool(patience and scores) and len(scores) - 1 - scores.index(max(scores)) >= patience
