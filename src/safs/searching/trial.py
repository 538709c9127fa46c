"""The training of one candidate up to a rung, from where an earlier rung has left it."""

import copy
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from safs.activations import set_activations
from safs.data.tensors import Batchable
from safs.pruning.masks import masks_of
from safs.searching.checkpoint import load_checkpoint, save_checkpoint
from safs.training.engine import make_engine
from safs.training.schedules import SCHEDULES
from safs.training.score import WORST
from safs.training.settings import Compute, Hyperparameters

Curve = list[list[float]]  # accuracy and negative loss on validation data after each epoch


@dataclass(frozen=True)
class Task:
    """A candidate to be trained up to a rung.

    Attributes:
        number: of the candidate, from 0.
        activations: its operators by site.
        epochs: the rung.
    """

    number: int
    activations: dict[str, str]
    epochs: int

    @property
    def key(self) -> dict[str, object]:
        """What tells it apart from every other task of a search."""
        return {"activations": self.activations, "epochs": self.epochs}


@dataclass(frozen=True)
class Bench:
    """What all candidates of a search have in common.

    Attributes:
        model: the pruned network, on the CPU.
        training: what is learnt from.
        validation: what candidates are judged by.
        settings: the hyperparameters of every training.
        epochs: the highest rung, which the learning rate's schedule is made for.
        patience: after so many epochs a candidate that is no better than chance is given up; None: never.
        seed: decides the order of the batches.
        compute: what to compute with.
        checkpoints: folder for trainings that a higher rung may go on with; None keeps none.
    """

    model: nn.Module
    training: Batchable
    validation: Batchable
    settings: Hyperparameters
    epochs: int
    patience: int | None
    seed: int
    compute: Compute
    checkpoints: Path | None = None

    @property
    def chance(self) -> float:
        """The accuracy of naming the most frequent class of the validation data."""
        return int(self.validation.y.bincount().max()) / len(self.validation.y)


def train_candidate(bench: Bench, task: Task) -> Curve:
    """Train a candidate from the pruned weights up to its rung, on one thread.

    It goes on from its last checkpoint if there is one; the outcome is the same without. One thread a candidate makes
    the outcome independent of the number of workers and of cores.

    Returns:
        The score after each epoch from the first; shorter than the rung if the candidate was given up.
    """
    settings, images = bench.settings, len(bench.training.y)
    steps, schedule = -(-images // settings.batch_size), SCHEDULES[settings.schedule]
    order = torch.Generator().manual_seed(bench.seed)
    model = copy.deepcopy(bench.model)
    set_activations(model, task.activations)
    masks = masks_of(model)
    name = hashlib.sha256(json.dumps(task.activations, sort_keys=True).encode()).hexdigest()[:24]
    path = bench.checkpoints / f"{name}.safetensors" if bench.checkpoints else None
    curve, state = load_checkpoint(path, model) if path else ([], None)
    with one_thread():
        engine = make_engine(model, bench.training, settings, masks, bench.compute)
        try:
            if state is not None:
                engine.restore(state)
            for epoch in range(task.epochs):
                batches = bench.training.order(order)
                if epoch < len(curve):
                    continue
                engine.epoch(batches, [schedule((epoch + step / steps) / bench.epochs) for step in range(steps)])
                score = engine.measure(bench.validation)
                curve.append([score.accuracy, score.negative_loss])
                if score == WORST or (epoch + 1 == bench.patience and hopeless(curve, bench.chance)):
                    break
            else:
                if path and task.epochs < bench.epochs:
                    engine.sync()
                    save_checkpoint(path, model, engine.state(), curve)
        finally:
            engine.close()
    return curve


def hopeless(curve: Curve, chance: float) -> bool:
    """Whether a training has diverged, or never been better than chance."""
    return diverged(curve) or max(curve)[0] <= chance


def diverged(curve: Curve) -> bool:
    """Whether a training has ended with weights that are not finite."""
    return curve[-1] == [WORST.accuracy, WORST.negative_loss]


def value_of(curve: Curve) -> float:
    """The best epoch as one number: its accuracy, and a trace of its loss to tell equals apart."""
    accuracy, negative_loss = max(curve)
    return accuracy + 1e-6 * max(negative_loss, -50.0)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run the body on one thread of torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
