import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from safs.activations import OPERATORS, activation_sites, scale_parameters, set_activations
from safs.data.tensors import Batchable
from safs.models import load_model
from safs.pruning.masks import masks_of, prunable_weights
from safs.training.settings import Compute, Hyperparameters
from safs.training.trainer import WORST, Score, make_optimizer, measure, predict_logits, train

SGD = Hyperparameters("sgd", 1e-2, 1e-2)
OPTIMIZERS = [Hyperparameters("adam", 1e-2, 1e-2), Hyperparameters("adamw", 1e-2, 1e-2), SGD]


class StopError(Exception):
    """Ends a training from outside."""


def state(model: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(model.state_dict())


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def learnt(folder, operator: str = "swish") -> nn.Module:
    """A model whose activation scales are parameters."""
    model, _ = load_model(folder)
    set_activations(model, dict.fromkeys(activation_sites(model), operator), scales="layer")
    return model


def test_training_learns(lenet_folder, training: Batchable, validation: Batchable):
    model, _ = load_model(lenet_folder)
    before = measure(model, validation)
    score = train(model, training, validation, Hyperparameters(learning_rate=5e-3, batch_size=20), 3, seed=0)
    assert score > before
    assert score.accuracy > 0.5


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=lambda settings: settings.optimizer)
def test_masks_stay_zero_and_the_rest_is_trained(
    sparse_folder, training: Batchable, validation: Batchable, settings: Hyperparameters
):
    model, _ = load_model(sparse_folder)
    masks, before = masks_of(model), state(model)
    zeros = []

    def on_epoch(*_) -> None:
        weights = prunable_weights(model)
        zeros.append(all(not weights[name][~mask].any() for name, mask in masks.items()))

    train(model, training, validation, settings, 2, seed=0, masks=masks, on_epoch=on_epoch)
    assert zeros == [True, True]
    for name, mask in masks.items():
        weight = prunable_weights(model)[name]
        assert not weight[~mask].any()
        assert not torch.equal(weight, before[name])
    assert not torch.equal(model.state_dict()["fc1.bias"], before["fc1.bias"])


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=lambda settings: settings.optimizer)
def test_the_same_seed_gives_the_same_weights(
    lenet_folder, training: Batchable, validation: Batchable, settings: Hyperparameters
):
    states, scores = [], []
    for seed in (5, 5, 6):
        torch.manual_seed(len(states))  # the global generator has no say
        model, _ = load_model(lenet_folder)
        scores.append(train(model, training, validation, settings, 1, seed))
        states.append(state(model))
    assert same(states[0], states[1])
    assert scores[0] == scores[1]
    assert not same(states[0], states[2])


def test_the_data_and_the_global_generator_are_left_alone(lenet_folder, training: Batchable, validation: Batchable):
    model, _ = load_model(lenet_folder)
    data, generator = training.x.clone(), torch.get_rng_state()
    train(model, training, validation, SGD, 1, seed=0)
    assert torch.equal(training.x, data)
    assert torch.equal(torch.get_rng_state(), generator)


@pytest.mark.parametrize("best", [1, 2, 3])
def test_the_model_is_left_as_after_its_best_epoch(lenet_folder, training: Batchable, validation: Batchable, best: int):
    model, _ = load_model(lenet_folder)
    states, scores = [], []

    def on_epoch(epoch: int, _: float, score: Score) -> None:
        states.append(state(model))
        scores.append(score)
        if epoch == best:
            with torch.no_grad():  # whatever comes after is worse: every image gets the same class
                for parameter in model.parameters():
                    parameter.zero_()

    settings = Hyperparameters(learning_rate=2e-3, batch_size=20)
    torch_alone = Compute("torch", "cpu")  # trains the model in place, so that it can be spoilt from outside
    result = train(model, training, validation, settings, 3, seed=0, on_epoch=on_epoch, compute=torch_alone)
    assert scores.index(max(scores)) == best - 1
    assert result == scores[best - 1] == measure(model, validation)
    assert same(state(model), states[best - 1])


def test_epochs_are_reported_in_order(lenet_folder, training: Batchable, validation: Batchable):
    model, _ = load_model(lenet_folder)
    seen = []
    train(model, training, validation, SGD, 2, seed=0, on_epoch=lambda *report: seen.append(report))
    assert [epoch for epoch, *_ in seen] == [1, 2]
    assert all(0 < loss < 10 for _, loss, _ in seen)


def test_the_reported_loss_is_the_mean_over_images(lenet_folder, training: Batchable, validation: Batchable):
    model, _ = load_model(lenet_folder)
    expected = -measure(model, training).negative_loss
    seen = []
    # steps too small to change the loss; 200 images in batches of 64 leave a smaller last one
    train(model, training, validation, Hyperparameters("sgd", 1e-12, 0.0), 1, 0, on_epoch=lambda *r: seen.append(r[1]))
    assert seen == [pytest.approx(expected, rel=1e-4)]


def test_training_can_be_stopped_from_outside(lenet_folder, training: Batchable, validation: Batchable):
    def on_epoch(*_) -> None:
        raise StopError

    model, _ = load_model(lenet_folder)
    with pytest.raises(StopError):
        train(model, training, validation, SGD, 2, seed=0, on_epoch=on_epoch)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("learning_rate", [1e2, 1e6, 1e30])
def test_divergence_gives_a_score_and_finite_weights(
    sparse_folder, training: Batchable, validation: Batchable, operator: str, learning_rate: float
):
    model = learnt(sparse_folder, operator)
    settings = Hyperparameters("sgd", learning_rate)
    score = train(model, training, validation, settings, 2, seed=0, masks=masks_of(model))
    assert isinstance(score, Score)
    assert 0 <= score.accuracy <= 1
    assert math.isfinite(score.negative_loss)
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=lambda settings: settings.optimizer)
def test_scales_get_no_weight_decay_and_their_own_rate(lenet_folder, settings: Hyperparameters):
    model = learnt(lenet_folder)
    optimizer = make_optimizer(model, replace(settings, weight_decay=0.5, scale_rate=3.0))
    scales = {id(scale) for scale in scale_parameters(model)}
    for group in optimizer.param_groups:
        mine = {id(parameter) in scales for parameter in group["params"]}
        assert len(mine) == 1
        assert group["weight_decay"] == (0.0 if mine == {True} else 0.5)
        assert group["lr"] == pytest.approx(settings.learning_rate * (3.0 if mine == {True} else 1.0))
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(model.parameters()))
    before = state(model)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) is (id(parameter) in scales), name


def test_momentum_counts_for_sgd_alone():
    def moved(kind: str, momentum: float) -> float:
        model = nn.Linear(1, 1)
        nn.init.zeros_(model.weight)
        optimizer = make_optimizer(model, Hyperparameters(kind, 0.1, 0.0, momentum=momentum))
        for _ in range(2):
            model.weight.grad = -torch.ones(1, 1)
            optimizer.step()
        return float(model.weight.detach())

    assert moved("sgd", 0.5) == pytest.approx(0.1 + 0.15)
    assert moved("sgd", 0.0) == pytest.approx(0.2)
    assert moved("adam", 0.5) == moved("adam", 0.0) > 0


def test_learnt_scales_are_trained(lenet_folder, training: Batchable, validation: Batchable):
    model = learnt(lenet_folder)
    train(model, training, validation, Hyperparameters(learning_rate=5e-3), 1, seed=0)
    assert all(float(scale.detach()) != 1.0 for scale in scale_parameters(model))


def test_the_schedule_lowers_the_rate_during_training(lenet_folder, training: Batchable, validation: Batchable):
    moved = {}
    for schedule in ("constant", "step"):
        model, _ = load_model(lenet_folder)
        before = state(model)
        train(
            model, training, validation, Hyperparameters("sgd", 1e-3, 0.0, schedule=schedule, momentum=0.0), 3, seed=0
        )
        moved[schedule] = sum(float((state(model)[name] - value).abs().sum()) for name, value in before.items())
    assert 0 < moved["step"] < moved["constant"] / 2


@pytest.mark.parametrize("patience", [0, 1, 2])
def test_a_training_ends_when_nothing_gets_better(
    lenet_folder, training: Batchable, validation: Batchable, patience: int
):
    model, _ = load_model(lenet_folder)
    seen = []
    settings = Hyperparameters("sgd", 1e-30, patience=patience)  # no step is large enough to change a weight
    result = train(model, training, validation, settings, 5, 0, on_epoch=lambda *epoch: seen.append(epoch))
    assert len(seen) == (1 + patience if patience else 5)
    assert result == seen[0][2]


def test_label_smoothing_keeps_logits_small(lenet_folder, training: Batchable, validation: Batchable):
    largest = []
    for smoothing in (0.0, 0.5):
        model, _ = load_model(lenet_folder)
        train(model, training, validation, Hyperparameters(learning_rate=5e-3, label_smoothing=smoothing), 4, 0)
        largest.append(float(torch.cat(list(predict_logits(model, training.x))).abs().max()))
    assert largest[1] < 0.7 * largest[0]


def test_clipped_gradients_move_weights_less(sparse_folder, training: Batchable, validation: Batchable):
    moved = []
    for norm in (0.0, 1e-3, 1e9):
        model, _ = load_model(sparse_folder)
        before = state(model)
        settings = Hyperparameters("sgd", 1e-2, 0.0, momentum=0.0, batch_size=len(training.y), clip_norm=norm)
        train(model, training, validation, settings, 1, 0, masks_of(model))
        difference = torch.cat([(state(model)[name] - value).flatten() for name, value in before.items()])
        moved.append(float(difference.norm()))
    assert moved[0] == moved[2]
    assert moved[1] == pytest.approx(1e-2 * 1e-3, rel=1e-2)


def test_bfloat16_and_augmentation_learn_too(lenet_folder, training: Batchable, validation: Batchable):
    results = []
    for precision, augment in (("float32", "none"), ("bfloat16", "none"), ("float32", "crop-flip")):
        model, _ = load_model(lenet_folder)
        settings = Hyperparameters(learning_rate=5e-3, batch_size=20, augment=augment)
        score = train(model, training, validation, settings, 5, 0, compute=Compute("torch", "cpu", precision))
        assert all(value.dtype == torch.float32 for value in model.state_dict().values())
        results.append(score)
    assert len(set(results)) == 3
    assert min(score.accuracy for score in results[:2]) > 0.5
    assert results[2].accuracy > 0.2  # mirrored and shifted digits are hard for 50 steps; chance is 0.1
    assert results[1].accuracy == pytest.approx(results[0].accuracy, abs=0.2)


class Table(nn.Module):
    """Hands the images on as logits."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


def logits(*rows: list[float], y: list[int]) -> Batchable:
    return Batchable(torch.tensor(rows)[:, None, None], torch.tensor(y))


def test_a_score_is_accuracy_and_mean_cross_entropy():
    data = logits([2.0, 0.0], [0.0, 1.0], [3.0, 0.0], [0.0, 0.0], y=[0, 1, 1, 0])
    score = measure(Table(), data)
    losses = [math.log(1 + math.exp(-2)), math.log(1 + math.exp(-1)), math.log(1 + math.exp(3)), math.log(2)]
    assert score.accuracy == 0.75
    assert score.negative_loss == pytest.approx(-sum(losses) / 4)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite_have_the_worst_score(bad: float):
    assert measure(Table(), logits([1.0, 0.0], [bad, 0.0], y=[0, 0])) == WORST


@pytest.mark.parametrize("size", [1, 7, 100, 2048])
def test_logits_do_not_depend_on_the_batch(lenet_folder, validation: Batchable, size: int):
    model, _ = load_model(lenet_folder)
    whole = torch.cat(list(predict_logits(model, validation.x)))
    torch.testing.assert_close(torch.cat(list(predict_logits(model, validation.x, size))), whole, rtol=1e-4, atol=1e-5)
    assert not whole.requires_grad


def test_accuracy_counts_before_loss():
    ordered = [WORST, Score(0.0, -1.0), Score(0.5, -9.0), Score(0.5, -2.0), Score(0.6, -5.0)]
    assert sorted({*ordered}) == ordered
    assert Score(0.5, -2.0) == Score(0.5, -2.0)
