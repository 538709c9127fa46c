"""The architectures that come with the method, with random masks, activations, scales and statistics."""

import pytest
import torch

from safs.activations import OPERATORS, activation_sites, set_activations
from safs.compaction import compact
from safs.export.checking import evaluated, relative_error
from safs.export.tracing import trace
from safs.models import ModelSpec, fresh_model
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks
from safs.runtime import Model
from tests.export.exported_networks import randomise

SHAPES = {"lenet5": (1, 28, 28), "vgg16": (3, 32, 32), "resnet18": (3, 32, 32), "efficientnet_b0": (3, 32, 32)}
CALM = sorted(set(OPERATORS) - {"symexp"})  # exp of exp of a rounded number is another number
LARGEST = 40


def network(architecture, seed):
    """A random network of an architecture, its spec, and random images."""
    draw = torch.Generator().manual_seed(seed)
    channels = SHAPES[architecture][0]
    spec = ModelSpec(architecture, SHAPES[architecture], tuple("0123456789"), (0.0,) * channels, (1.0,) * channels)
    model = fresh_model(spec)
    sites = list(activation_sites(model))
    drawn = torch.randint(len(CALM), (len(sites),), generator=draw).tolist()
    scales = ("fixed", "layer", "channel")[seed % 3]
    set_activations(model, {site: CALM[number] for site, number in zip(sites, drawn, strict=True)}, scales)
    randomise(model, seed, 0.0)
    apply_masks(model, make_masks(model, (0.9, 0.95, 0.99)[seed // 3 % 3], "layerwise"))
    return model.eval(), spec, torch.randn(LARGEST, *spec.input_shape, generator=draw)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("architecture", SHAPES)
def test_a_random_network_gives_what_torch_does_in_float64(architecture, seed):
    model, spec, x = network(architecture, seed)
    with torch.inference_mode():
        single = model(x).double().numpy()
    wanted = evaluated(model, x)
    runtime = Model(trace(compact(model, spec.input_shape).model, spec))
    errors = [relative_error(runtime.predict(x[:count].numpy()), wanted[:count]) for count in range(1, LARGEST + 1)]
    print(architecture, seed, f"{max(errors):.1e}, PyTorch in float32 {relative_error(single, wanted):.1e}")
    assert max(errors) < 1e-5
