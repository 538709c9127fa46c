"""What every engine must keep to; an engine of another backend joins `COMPUTES`."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from safs.data.tensors import Batchable
from safs.errors import SafsError
from safs.models import load_model
from safs.pruning.masks import Masks, masks_of, prunable_weights
from safs.training import torch_engine
from safs.training.engine import make_engine
from safs.training.settings import Compute, Hyperparameters
from safs.training.torch_engine import TorchEngine
from safs.training.trainer import WORST, measure

COMPUTES = [Compute("torch", "cpu"), Compute("native", "cpu")]
SETTINGS = [Hyperparameters(kind, 1e-2, 1e-3, batch_size=30) for kind in ("adam", "adamw", "sgd")]

by_compute = pytest.mark.parametrize("compute", COMPUTES, ids=lambda compute: compute.backend)
by_optimizer = pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.optimizer)


def order(seed: int) -> Tensor:
    return torch.randperm(200, generator=torch.Generator().manual_seed(seed))


def state(model: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(model.state_dict())


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def fewer(masks: Masks) -> Masks:
    """Masks that leave out every other weight as well."""
    thinner = {name: mask.clone() for name, mask in masks.items()}
    for mask in thinner.values():
        mask.view(-1)[::2] = False
    return thinner


@by_compute
@by_optimizer
def test_an_epoch_in_parts_is_an_epoch(sparse_folder: Path, training: Batchable, compute: Compute, settings):
    results = []
    for parts in ([200], [90, 30, 80]):
        model, _ = load_model(sparse_folder)
        engine = make_engine(model, training, settings, masks_of(model), compute)
        losses = [engine.epoch(part, [1.0] * -(-len(part) // 30)) * len(part) for part in order(0).split(parts)]
        engine.sync()
        results.append((sum(losses), state(model)))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    assert same(results[0][1], results[1][1])


@by_compute
def test_a_rate_of_zero_teaches_nothing(lenet_folder: Path, training: Batchable, compute: Compute):
    model, _ = load_model(lenet_folder)
    before = state(model)
    engine = make_engine(model, training, SETTINGS[2], None, compute)
    engine.epoch(order(0)[:60], [0.0, 0.0])
    engine.sync()
    assert same(before, state(model))
    engine.epoch(order(0)[:60], [1.0, 1.0])
    engine.sync()
    assert not same(before, state(model))


@by_compute
@by_optimizer
def test_an_engine_goes_on_from_a_state(sparse_folder: Path, training: Batchable, compute: Compute, settings):
    model, _ = load_model(sparse_folder)
    masks = masks_of(model)
    engine = make_engine(model, training, settings, masks, compute)
    engine.epoch(order(0), [1.0] * 7)
    engine.sync()
    weights, memory = state(model), engine.state()
    engine.epoch(order(1), [0.5] * 7)
    engine.sync()
    other, _ = load_model(sparse_folder)
    other.load_state_dict(weights)
    engine = make_engine(other, training, settings, masks, compute)
    engine.restore(memory)
    engine.epoch(order(1), [0.5] * 7)
    engine.sync()
    assert same(state(model), state(other))


@by_compute
@by_optimizer
def test_masks_can_be_tightened_during_a_training(sparse_folder: Path, training: Batchable, compute: Compute, settings):
    model, _ = load_model(sparse_folder)
    masks = masks_of(model)
    engine = make_engine(model, training, settings, masks, compute)
    engine.epoch(order(0), [1.0] * 7)
    engine.mask(fewer(masks))
    engine.sync()
    assert all(not prunable_weights(model)[name][~mask].any() for name, mask in fewer(masks).items())
    before = state(model)
    engine.epoch(order(1), [1.0] * 7)
    engine.sync()
    for name, mask in fewer(masks).items():
        weight = prunable_weights(model)[name]
        assert not weight[~mask].any()
        assert not torch.equal(weight, before[name])


@by_compute
def test_an_engine_measures_what_the_model_has_after_sync(
    lenet_folder: Path, training: Batchable, validation: Batchable, compute: Compute
):
    model, _ = load_model(lenet_folder)
    engine = make_engine(model, training, SETTINGS[0], None, compute)
    engine.epoch(order(0), [1.0] * 7)
    score = engine.measure(validation)
    engine.sync()
    expected = measure(model, validation)
    assert score.accuracy == expected.accuracy
    assert score.negative_loss == pytest.approx(expected.negative_loss, rel=1e-5)


def test_large_inputs_are_measured_a_few_at_a_time(
    lenet_folder: Path, training: Batchable, validation: Batchable, monkeypatch: pytest.MonkeyPatch
):
    model, _ = load_model(lenet_folder)
    engine = make_engine(model, training, SETTINGS[0], None, COMPUTES[0])
    score = engine.measure(validation)
    seen: list[int] = []
    model.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    monkeypatch.setattr(torch_engine, "MEASURED", 30 * 28 * 28)
    few = engine.measure(validation)
    assert seen == [30, 30, 30, 10]
    assert few.accuracy == score.accuracy
    assert few.negative_loss == pytest.approx(score.negative_loss, rel=1e-5)


@by_compute
def test_a_diverged_engine_measures_the_worst(
    lenet_folder: Path, training: Batchable, validation: Batchable, compute: Compute
):
    model, _ = load_model(lenet_folder)
    engine = make_engine(model, training, Hyperparameters("sgd", 1e30, batch_size=30), None, compute)
    engine.epoch(order(0), [1.0] * 7)
    assert engine.measure(validation) == WORST


class Noisy(nn.Module):
    """A linear layer behind dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.drop, self.layer = nn.Dropout(0.5), nn.Linear(28 * 28, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.drop(x.flatten(1)))


def test_dropout_follows_the_order_alone(training: Batchable):
    results = []
    model = Noisy()
    for number, seed in enumerate((0, 0, 1)):
        mine = copy.deepcopy(model)
        torch.manual_seed(number)
        make_engine(mine, training, SETTINGS[2]).epoch(order(seed), [1.0] * 7)
        results.append(state(mine))
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_a_safs_error(lenet_folder: Path, training: Batchable):
    model, _ = load_model(lenet_folder)
    with pytest.raises(SafsError, match="sees no GPU"):
        make_engine(model, training, SETTINGS[0], None, Compute(device="cuda"))


@pytest.mark.parametrize("change", [{"augment": "crop-flip"}, {"clip_norm": 1.0}], ids=str)
def test_what_torch_alone_has_is_trained_by_torch(lenet_folder: Path, training: Batchable, change: dict):
    model, _ = load_model(lenet_folder)
    settings = replace(SETTINGS[0], **change)
    assert isinstance(make_engine(model, training, settings, None, Compute(device="cpu")), TorchEngine)
    with pytest.raises(SafsError, match="backend 'native' has no"):
        make_engine(model, training, settings, None, Compute("native"))


@by_compute
def test_label_smoothing_is_that_of_torch(sparse_folder: Path, training: Batchable, compute: Compute):
    reference, results = Compute("torch", "cpu"), []
    for used, smoothing in ((reference, 0.2), (compute, 0.2), (compute, 0.0)):
        model, _ = load_model(sparse_folder)
        settings = replace(SETTINGS[2], label_smoothing=smoothing)
        engine = make_engine(model, training, settings, masks_of(model), used)
        loss = engine.epoch(order(0), [1.0] * 7)
        engine.sync()
        results.append((loss, state(model)["fc3.bias"]))
    assert results[1][0] == pytest.approx(results[0][0], rel=1e-4)
    torch.testing.assert_close(results[1][1], results[0][1], rtol=1e-3, atol=1e-5)
    assert not torch.allclose(results[2][1], results[0][1], rtol=1e-3, atol=1e-5)
