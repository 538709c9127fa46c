"""Gradients of one batch against torch's."""

import copy

import pytest
import torch
import torch.nn.functional as F
from native.networks import images, lenet, random_masks
from torch import nn

from safs.activations import OPERATORS, Activation
from safs.training.native_engine import NativeEngine
from safs.training.settings import Hyperparameters


def assert_same_gradients(model, data, masks=None, count=None):
    count = count or len(data.y)
    engine = NativeEngine(model, data, Hyperparameters(batch_size=count), masks)
    ours = engine.gradients(torch.arange(count))
    reference = copy.deepcopy(model).double()  # float32 is too coarse for symexp's tangent in torch
    F.cross_entropy(reference(data.x[:count].double()), data.y[:count]).backward()
    largest = 0.0
    for name, parameter in reference.named_parameters():
        expected = parameter.grad if name not in (masks or {}) else parameter.grad * masks[name]
        size = float(expected.abs().max())
        largest = max(largest, size)
        assert torch.allclose(ours[name].double(), expected, rtol=1e-3, atol=1e-4 * max(size, 1e-3)), name
    assert largest > 0
    score = engine.measure(data)
    assert score.negative_loss == pytest.approx(-float(F.cross_entropy(model(data.x), data.y).detach()), abs=1e-4)


@pytest.mark.parametrize("density", [1.0, 0.6, 0.1, 0.02])
def test_lenet(density):
    model = lenet()
    assert_same_gradients(model, images(), random_masks(model, density) if density < 1 else None)


@pytest.mark.parametrize("scales", ["fixed", "layer", "channel"])
@pytest.mark.parametrize("density", [1.0, 0.1])
@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_every_operator(operator, density, scales):
    model = lenet(operator, scales)
    with torch.no_grad():
        for parameter in model.parameters():
            if scales == "channel" and parameter.ndim == 1:
                parameter.mul_(torch.linspace(0.8, 1.2, len(parameter)))
    assert_same_gradients(model, images(40), random_masks(model, density) if density < 1 else None)


@pytest.mark.parametrize("operator", ["tanh", "swish"])
def test_a_falling_operator_is_pooled_after_it(operator):
    model = lenet(operator, "layer", alpha=-0.9)
    assert_same_gradients(model, images(40), random_masks(model, 0.2))


@pytest.mark.parametrize("count", [1, 7, 33, 64])
def test_a_batch_of_any_size(count):
    model = lenet("tanh")
    assert_same_gradients(model, images(), random_masks(model, 0.1), count)


@pytest.mark.parametrize("density", [1.0, 0.15])
def test_other_shapes(density):
    """Strides, three channels, odd sides and odd numbers of outputs, no bias, no pooling, pooling before the activation."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 5, (3, 2), stride=(1, 2), bias=False),
        Activation("swish", "channel", channels=5),
        nn.Conv2d(5, 7, 3),
        nn.MaxPool2d(2),
        nn.Identity(),
        Activation("gelu", "layer"),
        nn.Dropout(0.0),
        nn.Flatten(),
        nn.Linear(7 * 7 * 3, 9),
        nn.ReLU(),
        nn.Linear(9, 5, bias=False),
    )
    assert_same_gradients(model, images(40, side=18, channels=3), random_masks(model, density) if density < 1 else None)


def test_units_without_inputs_or_without_outputs():
    model = lenet("tanh", "layer")
    masks = random_masks(model, 0.2)
    masks["conv1.weight"][:3] = False  # constants
    masks["conv2.weight"][:4] = False  # constants that read nothing
    masks["conv2.weight"][4:6, 3:] = False  # constants that read constants
    masks["conv2.weight"][:, 5] = False  # nobody reads channel 5
    masks["fc1.weight"][10:20] = False
    masks["fc2.weight"][:, 30:40] = False
    masks["fc3.weight"][2] = False  # a class without inputs
    for name, mask in masks.items():
        model.get_parameter(name).data *= mask
    assert_same_gradients(model, images(60), masks)
    engine = NativeEngine(model, images(60), Hyperparameters(), masks)
    assert [len(o.constant) for o in engine.lowered.outputs][:2] == [3, 6]
    assert 5 not in engine.lowered.outputs[0].live


def test_no_input_reaches_the_output():
    model = lenet("tanh")
    masks = random_masks(model, 0.3)
    masks["fc2.weight"][:] = False
    model.fc2.weight.data.zero_()
    assert_same_gradients(model, images(20), masks)
