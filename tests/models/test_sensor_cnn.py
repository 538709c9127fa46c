import pytest
import torch

from safs.activations import activation_sites, expose_sites
from safs.errors import SafsError
from safs.models import ModelSpec, fresh_model
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks, prunable_weights, weights_left


def spec(*shape: int, architecture: str = "sensor_cnn") -> ModelSpec:
    return ModelSpec(architecture, shape, ("0", "1", "2"), (0.0,) * shape[0], (1.0,) * shape[0])


@pytest.mark.parametrize("length", [8, 33, 64])
def test_logits_come_from_windows_of_any_length(length: int):
    model = fresh_model(spec(5, length))
    assert model(torch.randn(4, 5, length)).shape == (4, 3)
    assert list(activation_sites(model)) == ["act1", "act2", "act3", "act4"]


def test_the_channels_of_the_sites_are_those_that_tracing_finds():
    model = fresh_model(spec(5, 16))
    found = activation_sites(expose_sites(model, (5, 16)))
    told = activation_sites(model)
    assert {name: site.channels for name, site in found.items()} == {name: site.channels for name, site in told.items()}


def test_its_parameters_are_as_stated():
    model = fresh_model(ModelSpec("sensor_cnn", (8, 32), ("0", "1"), (0.0,) * 8, (1.0,) * 8))
    assert sum(parameter.numel() for parameter in model.parameters()) == 19_266


def test_pruning_works_on_its_convolutions():
    model = fresh_model(spec(5, 16))
    apply_masks(model, make_masks(model, 0.9))
    assert list(prunable_weights(model)) == [f"{name}.weight" for name in ("conv1", "conv2", "conv3", "fc1", "fc2")]
    left, total = weights_left(model)
    assert left == pytest.approx(0.1 * total, abs=5)


@pytest.mark.parametrize("shape", [(5, 7), (3, 8, 8)])
def test_other_inputs_are_refused(shape: tuple[int, ...]):
    with pytest.raises(SafsError, match="sensor_cnn takes series"):
        fresh_model(spec(*shape))


def test_networks_for_images_refuse_series():
    with pytest.raises(SafsError, match="sensor_cnn takes series"):
        fresh_model(spec(5, 64, architecture="lenet5"))
