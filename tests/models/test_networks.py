import pytest
import torch
from torch import nn

from safs.activations import activation_sites, expose_sites, original_operators
from safs.errors import SafsError
from safs.models import MODELS, construct
from safs.models.efficientnet import StochasticDepth

IMAGE_MODELS = [name for name in MODELS if name != "sensor_cnn"]
SHAPES = [(3, 32, 32), (1, 16, 16), (1, 28, 28), (2, 17, 40)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_a_network_maps_images_to_logits_and_learns(name: str, shape: tuple[int, int, int]):
    torch.manual_seed(0)
    model = construct(name, shape, 7)
    x, y = torch.randn(4, *shape), torch.arange(4)
    logits = model(x)
    assert logits.shape == (4, 7)
    nn.functional.cross_entropy(logits, y).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_images_that_are_too_small_are_refused(name: str):
    with pytest.raises(SafsError, match=rf"{name} needs images of at least .* pixels, these are 7x32"):
        construct(name, (3, 7, 32), 10)


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_the_channels_of_the_sites_are_those_that_tracing_finds(name: str):
    model = construct(name, (3, 32, 32), 10)
    told = {site: (module.channels, module.axis) for site, module in activation_sites(model).items()}
    found = activation_sites(expose_sites(model, (3, 32, 32)))
    assert {site: (module.channels, module.axis) for site, module in found.items()} == told


@pytest.mark.parametrize(
    ("name", "shape", "classes", "parameters", "sites", "operator"),
    [
        ("resnet18", (3, 32, 32), 10, 11_173_962, 17, "relu"),  # torchvision's 11,181,642 with a 3x3 stem
        (
            "vgg16",
            (3, 32, 32),
            10,
            15_249_354,
            15,
            "relu",
        ),  # 14,710,464 in convolutions, 530,442 in linear layers, 8,448 in batch norm
        ("efficientnet_b0", (3, 224, 224), 1000, 5_288_548, 49, "swish"),  # as torchvision's
    ],
)
def test_they_are_the_published_networks(name: str, shape, classes: int, parameters: int, sites: int, operator: str):
    model = construct(name, shape, classes)
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert list(original_operators(model).values()) == [operator] * sites


def test_vgg16_has_sixteen_layers_with_weights():
    layers = [m for m in construct("vgg16", (3, 32, 32), 10).modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 16


def test_efficientnet_computes_what_torchvision_computes():
    torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed")
    torch.manual_seed(0)
    theirs = torchvision.models.efficientnet_b0(weights=None, num_classes=10).eval()
    ours = construct("efficientnet_b0", (3, 64, 64), 10).eval()
    values = list(theirs.state_dict().values())
    assert [v.shape for v in values] == [v.shape for v in ours.state_dict().values()]
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))
    x = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize(("side", "rest"), [(16, 2), (32, 2), (64, 2), (224, 7)])
def test_efficientnet_keeps_some_pixels_to_the_end(side: int, rest: int):
    model = construct("efficientnet_b0", (3, side, side), 10).eval()
    shapes = []
    model.pool.register_forward_pre_hook(lambda _, args: shapes.append(args[0].shape))
    model(torch.zeros(1, 3, side, side))
    assert shapes == [(1, 1280, rest, rest)]


def test_stochastic_depth_keeps_the_mean_and_rests_in_evaluation():
    torch.manual_seed(0)
    depth, x = StochasticDepth(0.25), torch.ones(20_000, 1, 1, 1)
    y = depth(x)
    assert y.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert float(y.mean()) == pytest.approx(1, abs=0.02)
    assert depth.eval()(x) is x
