"""The native engine against the torch engine, and its own promises."""

import copy

import pytest
import torch
from native.networks import images, lenet, random_masks
from torch import nn

from safs.errors import SafsError
from safs.training.engine import make_engine
from safs.training.native_engine import NativeEngine
from safs.training.score import WORST
from safs.training.settings import Compute, Hyperparameters
from safs.training.torch_engine import TorchEngine

CPU = Compute(backend="native", device="cpu")


def trained(kind, model, data, settings, masks=None, epochs=1):
    engine = kind(model, data, settings, masks)
    steps = -(-len(data.y) // settings.batch_size)
    order = torch.Generator().manual_seed(3)
    losses = [
        engine.epoch(torch.randperm(len(data.y), generator=order), [1.0 - 0.05 * i for i in range(steps)])
        for _ in range(epochs)
    ]
    engine.sync()
    return engine, losses


def assert_alike(ours, theirs, tolerance):
    for (name, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert float((a - b).detach().abs().max()) < tolerance, name


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("density", [1.0, 0.1])
def test_two_epochs_are_those_of_torch(optimizer, density):
    settings = Hyperparameters(optimizer, 1e-3, 1e-2, batch_size=40, scale_rate=3.0)
    ours = lenet("tanh", "layer")
    masks = random_masks(ours, density) if density < 1 else None
    theirs = copy.deepcopy(ours)
    data = images(90)
    engine, losses = trained(NativeEngine, ours, data, settings, masks, 2)
    other, expected = trained(TorchEngine, theirs, data, settings, masks, 2)
    assert losses == pytest.approx(expected, rel=1e-3)
    assert_alike(ours, theirs, 2e-4)
    assert engine.measure(data).negative_loss == pytest.approx(other.measure(data).negative_loss, rel=1e-3)
    for name, mask in (masks or {}).items():
        assert not ours.get_parameter(name)[~mask].any()


def test_same_order_gives_the_same_weights():
    data = images(70)
    models = [lenet("swish", "channel") for _ in range(2)]
    for model in models:
        trained(NativeEngine, model, data, Hyperparameters(batch_size=32), random_masks(model, 0.2))
    assert all(torch.equal(a, b) for a, b in zip(*(m.parameters() for m in models), strict=True))


def test_it_learns():
    data = images(300)
    model = lenet()
    engine, losses = trained(NativeEngine, model, data, Hyperparameters(batch_size=32, learning_rate=3e-3), epochs=8)
    assert losses[-1] < 0.5 * losses[0]
    assert engine.measure(data).accuracy > 0.8


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_it_goes_on_from_its_state(optimizer):
    data, settings = images(64), Hyperparameters(optimizer, batch_size=32)
    straight = lenet("gelu", "layer")
    masks = random_masks(straight, 0.2)
    broken = copy.deepcopy(straight)
    first, second = torch.arange(64), torch.arange(63, -1, -1)
    one = NativeEngine(straight, data, settings, masks)
    one.epoch(first, [1.0, 1.0])
    one.epoch(second, [1.0, 1.0])
    one.sync()
    two = NativeEngine(broken, data, settings, masks)
    two.epoch(first, [1.0, 1.0])
    two.sync()
    three = NativeEngine(broken, data, settings, masks)
    three.restore(two.state())
    three.epoch(second, [1.0, 1.0])
    three.sync()
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters(), broken.parameters(), strict=True))


def test_masks_can_shrink_while_training():
    data, settings = images(64), Hyperparameters(batch_size=32)
    ours = lenet("tanh")
    wide = random_masks(ours, 0.6)
    narrow = {name: mask & (torch.rand(mask.shape) < 0.3) for name, mask in wide.items()}
    theirs = copy.deepcopy(ours)
    for kind, model in ((NativeEngine, ours), (TorchEngine, theirs)):
        engine = kind(model, data, settings, wide)
        engine.epoch(torch.arange(64), [1.0, 1.0])
        engine.mask(narrow)
        engine.epoch(torch.arange(64), [1.0, 1.0])
        engine.sync()
    assert_alike(ours, theirs, 1e-3)
    for name, mask in narrow.items():
        assert not ours.get_parameter(name)[~mask].any()


def test_weights_that_are_not_finite_score_worst():
    model = lenet("tanh")
    model.fc3.weight.data.fill_(float("nan"))
    assert NativeEngine(model, images(20), Hyperparameters()).measure(images(20)) == WORST


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.flat, self.linear = nn.Flatten(), nn.Linear(400, 400)

    def forward(self, x):
        x = self.flat(x)
        return self.linear(x) + x


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Branching(), "branches"),
        (
            nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Flatten(), nn.Linear(800, 5)),
            "0 has groups, dilation or padding",
        ),
        (nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(400, 5)), "1 (Dropout) is not a layer"),
        (nn.Sequential(nn.Conv2d(1, 5, 3)), "one logit for each class"),
    ],
)
def test_what_cannot_be_lowered_is_named_and_left_to_torch(model, reason):
    with pytest.raises(SafsError, match="backend 'native' cannot train this") as error:
        make_engine(model, images(20), Hyperparameters(), None, CPU)
    assert reason in str(error.value)
    assert isinstance(make_engine(model, images(20), Hyperparameters(), None, Compute(device="cpu")), TorchEngine)


def test_auto_takes_the_kernels_for_small_and_for_sparse_networks():
    automatic = Compute(device="cpu")
    assert isinstance(make_engine(lenet(), images(20), Hyperparameters(), None, automatic), NativeEngine)
    large = nn.Sequential(nn.Flatten(), nn.Linear(400, 4000), nn.ReLU(), nn.Linear(4000, 5))
    data = images(20)
    assert isinstance(make_engine(large, data, Hyperparameters(), None, automatic), TorchEngine)
    masks = random_masks(large, 0.01)
    assert isinstance(make_engine(large, data, Hyperparameters(), masks, automatic), NativeEngine)
    assert isinstance(make_engine(lenet(), data, Hyperparameters(), None, Compute("torch", "cpu")), TorchEngine)
