import copy
import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from safs.activations import Activation
from safs.compaction import compact
from safs.models import load_model
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks, masks_of


def stir(model: nn.Module, seed: int = 0) -> None:
    """Give biases and normalisations values as training leaves them."""
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.5)
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.normal_(module.bias, std=0.3)


def small_resnet() -> nn.Module:
    from torchvision.models.resnet import BasicBlock, ResNet

    return ResNet(BasicBlock, [1, 1, 1, 1], num_classes=10)


def small_vgg() -> nn.Module:
    layers: list[nn.Module] = []
    sides = [3, 16, 32, 32]
    for inside, outside in itertools.pairwise(sides):
        layers += [nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU(), nn.Dropout(0.0), nn.Linear(64, 10))


class Mixed(nn.Module):
    """Residual addition, concatenation, functions and a mean."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 1), nn.Conv2d(16, 8, 3)
        self.norm, self.act = nn.BatchNorm2d(8), Activation("symlog", "channel", channels=8)
        self.last = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.norm(self.a(x)))
        y = F.max_pool2d(F.silu(x + self.b(x)), 2)
        y = self.c(torch.cat([F.max_pool2d(x, 2), y], 1))
        return self.last(F.relu(y).mean((2, 3)))


@pytest.fixture(params=["lenet", "vgg", "resnet", "mixed"])
def network(request, lenet_folder) -> tuple[nn.Module, tuple[int, ...]]:
    if request.param == "lenet":
        return load_model(lenet_folder)[0], (1, 28, 28)
    torch.manual_seed(0)
    if request.param == "resnet":
        pytest.importorskip("torchvision")
    return {"vgg": small_vgg, "resnet": small_resnet, "mixed": Mixed}[request.param](), (3, 32, 32)


def weights(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def outputs_agree(one: nn.Module, two: nn.Module, shape: tuple[int, ...]) -> None:
    x = torch.randn(8, *shape)
    with torch.no_grad():
        expected, found = one.eval()(x), two.eval()(x)
    assert torch.allclose(found, expected, atol=1e-5, rtol=1e-5), float((found - expected).abs().max())


@pytest.mark.parametrize("scope", ["layerwise", "global"])
@pytest.mark.parametrize("sparsity", [0.9, 0.98])
def test_the_small_network_has_the_same_outputs(network, scope, sparsity):
    model, shape = network
    stir(model)
    apply_masks(model, make_masks(model, sparsity, scope))
    before = copy.deepcopy(model.state_dict())
    small = compact(model, shape)
    assert small.removed
    assert weights(small.model) < weights(model)
    outputs_agree(model, small.model, shape)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_restoring_an_untrained_network_changes_nothing(network):
    model, shape = network
    stir(model, 1)
    apply_masks(model, make_masks(model, 0.95))
    before = copy.deepcopy(model.state_dict())
    assert compact(model, shape).restore() is model
    assert all(torch.allclose(value, before[name], atol=1e-6) for name, value in model.state_dict().items())


def test_what_the_small_network_learns_goes_back_into_the_large_one(network):
    model, shape = network
    stir(model, 2)
    apply_masks(model, make_masks(model, 0.95, "erk"))
    masks = masks_of(model)
    small = compact(model, shape)
    inner = masks_of(small.model)
    assert all(torch.equal(small.shrink(name, masks[name]), mask) for name, mask in inner.items())
    optimizer = torch.optim.SGD(small.model.parameters(), 0.05)
    small.model.train()
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(small.model(torch.randn(16, *shape)), torch.randint(0, 10, (16,))).backward()
        optimizer.step()
        apply_masks(small.model, inner)
    before = copy.deepcopy(model.state_dict())
    small.restore()
    assert any(not torch.equal(value, before[name]) for name, value in model.state_dict().items())
    outputs_agree(small.model, model, shape)
    assert all(not (mask & ~masks[name]).any() for name, mask in masks_of(model).items())


def test_a_constant_is_folded_where_nothing_pads_and_kept_where_something_does():
    def chain(padding: int) -> nn.Module:
        model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Tanh(), nn.Conv2d(2, 1, 3, padding=padding))
        with torch.no_grad():
            model[0].weight[1] = 0
            model[0].bias[1] = 0.7
        return model

    for padding, removed, blocked in ((0, {"0": 1}, []), (1, {}, ["0[1]"])):
        model = chain(padding)
        small = compact(model, (1, 6, 6))
        assert (small.removed, small.blocked) == (removed, blocked)
        outputs_agree(model, small.model, (1, 6, 6))


def test_a_constant_of_zero_goes_in_spite_of_padding():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Conv2d(2, 1, 3, padding=1))
    with torch.no_grad():
        model[0].weight[1] = 0
        model[0].bias[1] = -0.7
    assert compact(model, (1, 6, 6)).removed == {"0": 1}


def test_a_dense_network_stays_as_it_is(lenet_folder):
    model = load_model(lenet_folder)[0]
    small = compact(model, (1, 28, 28))
    assert small.removed == {}
    assert weights(small.model) == weights(model)
    outputs_agree(model, small.model, (1, 28, 28))


def test_layers_with_groups_are_left_as_they_are():
    model = nn.Sequential(nn.Conv2d(4, 4, 3, groups=2), nn.ReLU(), nn.Conv2d(4, 2, 1))
    nn.init.zeros_(model[2].weight)
    small = compact(model, (4, 6, 6))
    assert weights(small.model) == weights(model)


class Branching(nn.Module):
    """Its course depends on the data."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x) if x.sum() > 0 else x


def test_a_model_that_cannot_be_traced_is_given_back_with_the_reason():
    model = Branching()
    small = compact(model, (2,))
    assert small.model is model
    assert "cannot be traced" in small.blocked[0]
    assert small.restore() is model
