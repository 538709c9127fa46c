import pytest
import torch
import torch.nn.functional as F
from torch import nn

from safs.activations import Activation, set_activations
from safs.data.tensors import Batchable
from safs.insight.statistics import gradient_norms, site_statistics
from safs.models import ModelSpec, fresh_model
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks, prunable_weights


class Tiny(nn.Module):
    """Three units: one alive, one below zero for every image, one without weights."""

    def __init__(self, operator: str = "relu") -> None:
        super().__init__()
        self.fc = nn.Linear(2, 3)
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5)
        self.act = Activation(operator)
        self.out = nn.Linear(3, 2)
        with torch.no_grad():
            self.fc.weight.copy_(torch.tensor([[1.0, -1.0], [1.0, 0.0], [0.0, 0.0]]))
            self.fc.bias.copy_(torch.tensor([0.0, -100.0, 5.0]))

    def forward(self, x):
        return self.out(self.drop(self.act(self.norm(self.fc(x)))))


X = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.25], [0.0, 0.5]])


def test_statistics_of_a_site_are_those_of_its_outputs():
    model = Tiny()
    found = site_statistics(model, X)["act"]
    z = torch.stack([X[:, 0] - X[:, 1], X[:, 0] - 100, torch.full((4,), 5.0)], 1) / (1 + 1e-5) ** 0.5
    y = z.relu()
    assert found["mean"] == pytest.approx(float(y.mean()))
    assert found["std"] == pytest.approx(float(y.std(correction=0)))
    assert found["zeros"] == pytest.approx(6 / 12)  # two of the first unit, four of the second
    assert found["saturated"] == pytest.approx(6 / 12)
    assert found["dead"] == pytest.approx(2 / 3)


def test_a_unit_that_only_saturates_is_not_dead():
    found = site_statistics(Tiny("softplus"), X / 2)["act"]
    assert found["zeros"] == 0
    assert found["saturated"] == pytest.approx(4 / 12)
    assert found["dead"] == pytest.approx(2 / 3)


def test_channels_are_units_of_images(spec: ModelSpec, training: Batchable):
    model = fresh_model(spec)
    with torch.no_grad():
        model.conv1.weight[:2] = 0
    assert site_statistics(model, training.x[:20])["act1"]["dead"] == pytest.approx(2 / 6)


def test_gradient_norms_are_those_of_the_loss_over_the_weights_left(spec: ModelSpec, training: Batchable):
    model = fresh_model(spec)
    masks = make_masks(model, 0.9)
    apply_masks(model, masks)
    probe = Batchable(training.x[:30], training.y[:30])
    F.cross_entropy(model(probe.x), probe.y).backward()
    expected = {name: float((weight.grad * masks[name]).norm()) for name, weight in prunable_weights(model).items()}
    assert gradient_norms(model, probe) == pytest.approx(expected)


def test_looking_changes_nothing():
    model = Tiny()
    model.train()
    model.act.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.get_rng_state()
    site_statistics(model, X)
    gradient_norms(model, Batchable(X, torch.tensor([0, 1, 0, 1])))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training
    assert not model.act.training
    assert not model.act._forward_pre_hooks


def test_a_number_that_is_not_finite_is_none(spec: ModelSpec, training: Batchable):
    model = fresh_model(spec)
    set_activations(model, {"act1": "tanh"})
    with torch.no_grad():
        model.conv2.weight.fill_(float("nan"))
    assert site_statistics(model, training.x[:5])["act2"]["mean"] is None
    assert gradient_norms(model, Batchable(training.x[:5], training.y[:5]))["fc3.weight"] is None
