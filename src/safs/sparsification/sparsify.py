"""From a dense network to a sparse one: in one shot, gradually, or in rounds."""

import copy
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from safs.data.tensors import Batchable
from safs.pruning.making import make_masks
from safs.pruning.masks import Masks, apply_masks, prunable_weights
from safs.sparsification.gradients import loss_gradients
from safs.sparsification.plan import Plan
from safs.training.engine import Engine, make_engine
from safs.training.schedules import SCHEDULES
from safs.training.score import Score
from safs.training.settings import Compute

OnEpoch = Callable[[int, float, Score], None]
EVENTS = 2  # pruning events in an epoch of gradual pruning


def cubic(progress: float, final: float) -> float:
    """The sparsity after this part of gradual pruning, in [0, 1] (Zhu and Gupta 2017, arXiv:1710.01878)."""
    return final * (1 - (1 - progress) ** 3)


def geometric(progress: float, final: float) -> float:
    """The sparsity after this part of the rounds: each leaves the same fraction of what was left (arXiv:1803.03635)."""
    return 1 - (1 - final) ** progress if progress < 1 else final


class _Course:
    """The training that goes along with pruning: batches in the seed's order, learning rates along the schedule."""

    def __init__(self, training: Batchable, validation: Batchable, plan: Plan, seed: int) -> None:
        self.training, self.validation, self.plan = training, validation, plan
        self.order = torch.Generator().manual_seed(seed)

    def parts(self, epoch: int, count: int) -> Iterator[tuple[Tensor, list[float]]]:
        """An epoch, from 0, as `count` parts: the indices of each, and the learning rate's factor for its steps."""
        batches = self.training.order(self.order).split(self.plan.settings.batch_size)
        schedule, steps = SCHEDULES[self.plan.settings.schedule], len(batches)
        for part in range(count):
            first, last = part * steps // count, (part + 1) * steps // count
            rates = [schedule((epoch + step / steps) / self.plan.epochs) for step in range(first, last)]
            yield torch.cat(batches[first:last]) if rates else torch.empty(0, dtype=torch.int64), rates

    def masks(self, model: nn.Module, sparsity: float, seed: int) -> Masks:
        """Masks for the weights as they are now."""
        plan = self.plan
        return make_masks(
            model,
            sparsity,
            plan.scope,
            plan.criterion,
            coverage=plan.coverage,
            ignore=plan.ignore,
            gradients=loss_gradients(model, self.training, seed) if plan.criterion == "gradient" else None,
            input_shape=tuple(self.training.x.shape[1:]),
        )


def sparsify(
    model: nn.Module,
    training: Batchable,
    validation: Batchable,
    plan: Plan,
    seed: int,
    compute: Compute = Compute(),
    on_epoch: OnEpoch | None = None,
) -> Masks:
    """Prune a dense network in place, by plan; masks only shrink on the way.

    Args:
        model: the network; it has the pruned, and where the plan trains, trained weights afterwards.
        training: what is learnt from, and what gradients are taken on.
        validation: what `on_epoch` is told the score on.
        plan: how.
        seed: decides the order of the batches.
        compute: what to compute with.
        on_epoch: called with the epoch (from 1), the mean training loss and the validation score.

    Returns:
        The masks, True where a weight is left.

    Raises:
        SafsError: a layer to ignore, the scope or the criterion is unknown, or what to compute with is not there.
    """
    course = _Course(training, validation, plan, seed)
    if plan.schedule == "gradual":
        masks = _gradual(model, course, seed, compute, on_epoch)
    elif plan.schedule == "iterative":
        masks = _iterative(model, course, seed, compute, on_epoch)
    else:
        masks = course.masks(model, plan.sparsity, seed)
    weights = prunable_weights(model)
    masks = {name: mask.to(weights[name].device) for name, mask in masks.items()}  # they may come from a GPU
    apply_masks(model, masks)
    return masks


def _told(
    engine: Engine, course: _Course, epoch: int, losses: list[tuple[float, int]], on_epoch: OnEpoch | None
) -> None:
    if on_epoch:
        score = engine.measure(course.validation)
        engine.sync()
        on_epoch(epoch + 1, sum(loss * count for loss, count in losses) / sum(count for _, count in losses), score)


def _gradual(model: nn.Module, course: _Course, seed: int, compute: Compute, on_epoch: OnEpoch | None) -> Masks:
    """Prune a little more at the begin of each part of an epoch; the last event reaches the plan's sparsity."""
    plan = course.plan
    masks: Masks = {}
    engine = make_engine(model, course.training, plan.settings, None, compute)
    try:
        for epoch in range(plan.epochs):
            losses = []
            for part, (order, rates) in enumerate(course.parts(epoch, EVENTS)):
                event = epoch * EVENTS + part + 1
                engine.sync()
                masks = course.masks(model, cubic(event / (EVENTS * plan.epochs), plan.sparsity), seed + event)
                engine.mask(masks)
                if rates:
                    losses.append((engine.epoch(order, rates), len(order)))
            _told(engine, course, epoch, losses, on_epoch)
        engine.sync()
    finally:
        engine.close()
    return masks


def _iterative(model: nn.Module, course: _Course, seed: int, compute: Compute, on_epoch: OnEpoch | None) -> Masks:
    """Train, prune, and with `rewind` start each round from the dense network's weights."""
    plan = course.plan
    rounds = min(plan.rounds, plan.epochs)
    dense = copy.deepcopy(model.state_dict())
    masks: Masks | None = None
    for number in range(rounds):
        engine = make_engine(model, course.training, plan.settings, masks, compute)
        try:
            for epoch in range(number * plan.epochs // rounds, (number + 1) * plan.epochs // rounds):
                losses = [(engine.epoch(order, rates), len(order)) for order, rates in course.parts(epoch, 1)]
                _told(engine, course, epoch, losses, on_epoch)
            engine.sync()
        finally:
            engine.close()
        masks = course.masks(model, geometric((number + 1) / rounds, plan.sparsity), seed + number)
        if plan.rewind:
            model.load_state_dict(dense)
        apply_masks(model, masks)
    assert masks is not None
    return masks
