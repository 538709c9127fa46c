import pytest
import torch
import torch.nn.functional as F
from torch import nn

from safs.activations import OPERATORS, Activation
from safs.errors import SafsError
from safs.export.checking import evaluated, relative_error
from safs.export.reference import run_reference
from safs.export.tracing import trace
from safs.models import fresh_model
from safs.runtime.rules import shapes_of
from tests.export.exported_networks import Signal, branches, randomise, spec_of


def images(shape, count=3):
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("scales", ["fixed", "layer", "channel"])
@pytest.mark.parametrize("seed", range(5))
def test_a_traced_network_computes_what_the_model_does(seed, scales):
    model, spec = branches(seed, [name for name in OPERATORS if name != "symexp"], scales)
    network, x = trace(model, spec), images(spec.input_shape)
    assert relative_error(run_reference(network, x).detach().numpy(), evaluated(model, x)) < 1e-6
    assert model.training


def test_batch_normalisation_after_a_convolution_is_folded_and_elsewhere_kept():
    model, spec = branches(0)
    kinds = [node.op for node in trace(model, spec).nodes]
    assert kinds.count("affine") == 1  # the one that follows a concatenation


def test_a_norm_is_not_folded_where_another_layer_reads_the_convolution():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)

        def forward(self, x):
            y = self.conv(x)
            return (self.norm(y) + y).mean((2, 3))

    model = randomise(Model(), 0)
    x = images((1, 6, 6))
    network = trace(model, spec_of((1, 6, 6), 4))
    assert relative_error(run_reference(network, x).numpy(), evaluated(model, x)) < 1e-6


def test_signals_of_one_dimension():
    model = randomise(Signal(), 3)
    x = images((2, 1, 40))
    network = trace(model, spec_of((2, 1, 40), 3))
    assert relative_error(run_reference(network, x).numpy(), evaluated(model, x[:, :, 0])) < 1e-6


def test_lenet(spec):
    model = fresh_model(spec)
    x = images(spec.input_shape)
    network = trace(model, spec)
    assert [shape[0] for shape in shapes_of(network)][-1] == 10
    assert relative_error(run_reference(network, x).detach().numpy(), evaluated(model, x)) < 1e-6


@pytest.mark.parametrize("side", range(6, 14))
@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.MaxPool2d(2, 3, 1, ceil_mode=True),
        nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    ],
)
def test_pooling_at_the_edges(pool, side):
    model = nn.Sequential(pool, nn.AdaptiveMaxPool2d(1), nn.Flatten())
    x = images((2, side, 9))
    assert torch.allclose(run_reference(trace(model, spec_of((2, side, 9), 2)), x), model(x.double()), atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "word"),
    [
        (nn.LayerNorm(4), "LayerNorm is not covered"),
        (nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), "padding mode"),
        (nn.ConvTranspose2d(4, 4, 3), "ConvTranspose2d"),
        (nn.ELU(0.5), "alpha is 0.5"),
        (Activation("relu", "channel", channels=4, axis=3), "axis 3"),
    ],
)
def test_a_layer_that_is_not_covered_is_refused_by_its_name(layer, word):
    model = nn.Sequential()
    model.add_module("first", nn.Conv2d(1, 4, 1))
    model.add_module("odd", layer)
    with pytest.raises(SafsError, match=r"^layer 'odd' cannot be exported") as caught:
        trace(model, spec_of((1, 4, 4), 4))
    assert word in str(caught.value)


def test_a_function_that_is_not_covered_is_refused_by_its_name():
    class Model(nn.Module):
        def forward(self, x):
            return F.pixel_shuffle(x, 2)

    with pytest.raises(SafsError, match="pixel_shuffle"):
        trace(Model(), spec_of((4, 4, 4), 4))


def test_control_flow_is_said_to_be_what_cannot_be_followed():
    class Model(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(SafsError, match=r"torch\.fx cannot follow"):
        trace(Model(), spec_of((4, 4, 4), 4))
