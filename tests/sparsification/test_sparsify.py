import copy
import dataclasses
from typing import get_args

import pytest
import torch
from torch import nn

from safs.data.tensors import Batchable
from safs.errors import SafsError
from safs.models import load_model
from safs.pruning.audit import audit
from safs.pruning.masks import Masks, masks_of, weights_left
from safs.sparsification.plan import Plan
from safs.sparsification.sparsify import cubic, geometric, sparsify
from safs.sparsification.types import PruneSchedule
from safs.training.score import Score, measure
from safs.training.settings import Compute, Hyperparameters

SETTINGS = Hyperparameters(learning_rate=5e-3, weight_decay=0.0, batch_size=50)
ALL = 44_190
PLANS = {
    "one-shot": Plan(0.9),
    "gradual": Plan(0.9, schedule="gradual", epochs=3, settings=SETTINGS),
    "iterative": Plan(0.9, schedule="iterative", epochs=4, rounds=2, settings=SETTINGS),
    "rewinding": Plan(0.9, schedule="iterative", epochs=2, rounds=2, rewind=True, settings=SETTINGS),
    "gradient, gradual": Plan(0.9, "global", "gradient", "gradual", epochs=1, settings=SETTINGS),
    "covering": Plan(0.99, schedule="gradual", epochs=2, coverage=True, settings=SETTINGS),
    "ignoring": Plan(0.9, "erk", schedule="gradual", epochs=1, ignore=("fc3",), settings=SETTINGS),
}


@pytest.fixture
def dense(lenet_folder) -> nn.Module:
    return load_model(lenet_folder)[0]


@pytest.mark.parametrize("name", PLANS)
class TestEveryPlan:
    def test_exactly_as_many_weights_go_as_were_asked(self, dense, training, validation, name: str):
        plan = PLANS[name]
        masks = sparsify(dense, training, validation, plan, 0)
        total = ALL - (840 if plan.ignore else 0)
        if plan.scope == "layerwise":
            left = sum(mask.numel() - round(plan.sparsity * mask.numel()) for mask in masks.values())
        else:
            left = total - round(plan.sparsity * total)
        assert sum(int(mask.sum()) for mask in masks.values()) == left
        assert weights_left(dense) == (left + ALL - total, ALL)
        assert all(torch.equal(mask, masks_of(dense)[name]) for name, mask in masks.items())

    def test_the_same_seed_gives_the_same_network(self, dense, training, validation, name: str):
        twin = copy.deepcopy(dense.state_dict())
        sparsify(dense, training, validation, PLANS[name], 1)
        one = copy.deepcopy(dense.state_dict())
        dense.load_state_dict(twin)
        sparsify(dense, training, validation, PLANS[name], 1)
        assert all(torch.equal(value, one[key]) for key, value in dense.state_dict().items())


@pytest.mark.parametrize("schedule", ["gradual", "iterative"])
def test_masks_only_shrink_and_sparsity_rises_by_epoch(dense, training, validation, schedule):
    seen: list[Masks] = []
    epochs: list[int] = []

    def on_epoch(epoch: int, loss: float, score: Score) -> None:
        assert loss > 0
        assert score == measure(dense, validation)
        epochs.append(epoch)
        seen.append({name: mask.cpu() for name, mask in masks_of(dense).items()})

    plan = Plan(0.95, schedule=schedule, epochs=4, settings=SETTINGS)
    masks = sparsify(dense, training, validation, plan, 0, on_epoch=on_epoch)
    assert epochs == [1, 2, 3, 4]
    for earlier, later in zip(seen, [*seen[1:], masks], strict=True):
        assert all(not (later[name] & ~earlier[name]).any() for name in later)
    counts = [sum(int(mask.sum()) for mask in masks.values()) for masks in [*seen, masks]]
    assert counts[-1] < counts[2] < counts[0]


def test_gradual_pruning_trains(dense, lenet_folder, training, validation):
    before = load_model(lenet_folder)[0]
    sparsify(before, training, validation, Plan(0.9), 0)
    losses: list[float] = []
    plan = Plan(0.9, "lamp", schedule="gradual", epochs=10, settings=SETTINGS)
    sparsify(dense, training, validation, plan, 0, on_epoch=lambda epoch, loss, score: losses.append(loss))
    assert losses[-1] < losses[0]
    assert measure(dense, validation).accuracy > measure(before, validation).accuracy + 0.2


def test_rewinding_gives_the_dense_weights_back(dense, training, validation):
    before = {name: value.clone() for name, value in dense.state_dict().items()}
    masks = sparsify(dense, training, validation, PLANS["rewinding"], 0)
    for name, value in dense.state_dict().items():
        assert torch.equal(value, before[name] * masks[name] if name in masks else before[name])


def test_coverage_holds_through_gradual_pruning(dense, training, validation):
    masks = sparsify(dense, training, validation, PLANS["covering"], 0)
    found = audit(dense, masks, (1, 28, 28), [0.1] * 10)
    assert len(found.covered) == 8  # fc3 keeps 8 weights
    assert found.live is not None
    assert found.live > 0.8 * found.kept


def test_a_batch_as_large_as_the_data_is_trained_on_once_an_epoch(dense, training, validation):
    plan = dataclasses.replace(PLANS["gradual"], settings=dataclasses.replace(SETTINGS, batch_size=10_000))
    sparsify(dense, training, validation, plan, 0)
    assert weights_left(dense)[0] == ALL - sum(round(0.9 * n) for n in (150, 2_400, 30_720, 10_080, 840))


def test_curves_reach_the_end_exactly():
    assert (cubic(0.0, 0.9), cubic(1.0, 0.9), geometric(1.0, 0.99)) == (0, 0.9, 0.99)
    assert geometric(0.5, 0.99) == pytest.approx(0.9)
    assert cubic(0.5, 0.8) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sparsity": 1.0}, r"not in \[0, 1\)"),
        ({"schedule": "gradualy"}, "did you mean 'gradual'"),
        ({"epochs": 0}, "at least 1"),
        ({"rewind": True}, "'iterative'"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(SafsError, match=message):
        Plan(**{"sparsity": 0.5, **wrong})


def test_every_schedule_is_tested():
    assert {plan.schedule for plan in PLANS.values()} == set(get_args(PruneSchedule))


def test_the_device_is_asked_for(dense, training: Batchable, validation):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(SafsError, match="no GPU"):
        sparsify(dense, training, validation, PLANS["gradual"], 0, Compute(device="cuda"))


@pytest.mark.parametrize("name", ["gradual", "iterative"])
def test_trainings_draw_classes_by_their_weights(dense, training, validation, name: str):
    only = dataclasses.replace(training, weights=torch.eye(10)[3])
    masks = sparsify(dense, only, validation, PLANS[name], 0)
    with torch.no_grad():
        told = dense.eval()(validation.x).argmax(1)
    assert (told == 3).float().mean() > 0.9
    assert set(masks) == set(masks_of(dense))
