from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import nn

from safs.activations import activation_sites, original_operators, set_activations
from safs.errors import SafsError
from safs.models import ModelSpec, build, construct, fresh_model, load_model, save_model
from safs.models.named import factory_of
from safs.models.sites import with_sites

SPEC = ModelSpec("lenet5", (3, 32, 32), tuple("abcde"), (0.0,) * 3, (1.0,) * 3)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("lenet", r"unknown model 'lenet'; did you mean 'lenet5'\?.*torchvision:NAME, timm:NAME or package.module"),
        ("tests.models.nothing:Mine", r"'tests.models.nothing' cannot be imported .* PYTHONPATH"),
        ("tests.models.factories:Mien", r"unknown factory in tests.models.factories 'Mien'; did you mean 'Mine'\?"),
        ("tests.models.factories:constant", "unknown factory in tests.models.factories 'constant'"),
        ("tests.models.factories:", "unknown factory"),
        (":Mine", "is no module"),
        (".factories:Mine", "is no module"),
    ],
)
def test_a_name_that_nothing_has_is_refused(architecture: str, message: str):
    with pytest.raises(SafsError, match=message):
        factory_of(architecture)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("broken", "cannot be built for inputs .3, 32, 32. and 5 classes: RuntimeError: no 5 classes"),
        ("no_module", "gives a str; it must give a torch.nn.Module"),
        ("features", r"gives \[1, 5, 30, 30\] for one image; it must give logits \[1, 5\]"),
        ("linear", "has no activation sites .*2: PReLU has no operator here"),
    ],
)
def test_a_factory_that_does_not_do_is_refused(factory: str, message: str):
    with pytest.raises(SafsError, match=message):
        build(replace(SPEC, architecture=f"tests.models.factories:{factory}"))


@pytest.mark.parametrize("factory", ["Mine", "by_position"])
def test_a_users_network_is_built_with_its_own_operators(factory: str, tmp_path: Path):
    spec = replace(SPEC, architecture=f"tests.models.factories:{factory}")
    model = fresh_model(spec)
    assert original_operators(model) == {"silu": "swish"}
    assert activation_sites(model)["silu"].operator.name == "swish"
    set_activations(model, {"silu": "symlog"}, "channel")
    changed = replace(spec, activations={"silu": "symlog"}, scales="channel")
    save_model(tmp_path / "model", model, changed)
    loaded, loaded_spec = load_model(tmp_path / "model")
    assert loaded_spec == changed
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(model(x), loaded(x))


def test_building_takes_nothing_from_the_global_generator_but_weights():
    torch.manual_seed(0)
    construct("tests.models.factories:Mine", SPEC.input_shape, 5)
    expected = torch.rand(1)
    torch.manual_seed(0)
    with_sites("tests.models.factories:Mine", SPEC.input_shape, 5)
    assert torch.equal(torch.rand(1), expected)


def test_excluded_sites_keep_their_operator(tmp_path: Path):
    spec = replace(SPEC, architecture="efficientnet_b0", excluded=("*squeeze_act",))
    model = fresh_model(spec)
    assert len(activation_sites(model)) == 33
    assert isinstance(model.get_submodule("blocks.0.excite.squeeze_act"), nn.SiLU)
    save_model(tmp_path / "model", model, spec)
    loaded, loaded_spec = load_model(tmp_path / "model")
    assert loaded_spec.excluded == ("*squeeze_act",)
    x = torch.randn(2, 3, 32, 32)
    whole = fresh_model(replace(spec, excluded=()))
    assert torch.equal(model.eval()(x), loaded.eval()(x))
    assert torch.equal(model(x), whole.eval()(x))


def test_all_sites_excluded_is_refused():
    with pytest.raises(SafsError, match=r"lenet5 has no activation sites \(excluded are \['\*'\]"):
        build(replace(SPEC, excluded=("*",)))


class TestTorchvision:
    pytestmark = pytest.mark.skipif(not find_spec("torchvision"), reason="no torchvision")

    def test_a_model_is_built_saved_and_loaded(self, tmp_path: Path):
        spec = replace(SPEC, architecture="torchvision:mobilenet_v3_small")
        model = fresh_model(spec)
        assert set(original_operators(model).values()) == {"relu", "hardswish"}
        save_model(tmp_path / "model", model, spec)
        x = torch.randn(2, 3, 32, 32)
        assert torch.equal(load_model(tmp_path / "model")[0].eval()(x), model.eval()(x))

    def test_an_unknown_name_is_refused_with_the_nearest_ones(self):
        with pytest.raises(SafsError, match=r"torchvision has no classification model 'resnet19'; it has .*resnet18"):
            factory_of("torchvision:resnet19")

    def test_other_than_three_channels_are_refused(self):
        with pytest.raises(SafsError, match="takes images of 3 channels, these have 1; timm:NAME takes any number"):
            construct("torchvision:resnet18", (1, 32, 32), 10)

    def test_images_that_do_not_fit_are_refused(self):
        with pytest.raises(SafsError, match="takes square images, these are 32x64"):
            construct("torchvision:vit_b_16", (3, 32, 64), 10)
        with pytest.raises(SafsError, match=r"torchvision:maxvit_t cannot be built for inputs \[3, 32, 32\]"):
            construct("torchvision:maxvit_t", (3, 32, 32), 10)


class TestTimm:
    pytestmark = pytest.mark.skipif(not find_spec("timm"), reason="no timm")

    def test_a_model_is_built_for_any_number_of_channels(self):
        model = build(replace(SPEC, architecture="timm:resnet10t", input_shape=(1, 32, 32)))
        assert set(original_operators(model).values()) == {"relu"}
        assert model(torch.zeros(2, 1, 32, 32)).shape == (2, 5)

    def test_an_unknown_name_is_refused_with_the_nearest_ones(self):
        with pytest.raises(SafsError, match=r"timm has no classification model 'resnet19'; it has .*resnet18"):
            factory_of("timm:resnet19")
