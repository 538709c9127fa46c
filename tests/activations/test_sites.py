import copy
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

import safs.activations
from safs.activations import OPERATORS, Activation, activation_sites, scale_parameters, set_activations
from safs.errors import SafsError
from safs.models.lenet import LeNet5


@pytest.fixture
def model() -> LeNet5:
    torch.manual_seed(0)
    return LeNet5((1, 16, 16), 3)


X = torch.linspace(-2, 2, 2 * 256).view(2, 1, 16, 16)


def test_sites_are_listed_in_order(model: LeNet5):
    assert list(activation_sites(model)) == ["act1", "act2", "act3", "act4"]


@pytest.mark.parametrize("name", OPERATORS)
def test_giving_a_site_the_operator_it_has_changes_no_bit(model: LeNet5, name: str):
    set_activations(model, dict.fromkeys(activation_sites(model), name))
    before = model(X)
    set_activations(model, dict.fromkeys(activation_sites(model), name))
    assert torch.equal(model(X), before)


def test_only_the_named_sites_change(model: LeNet5):
    kept = activation_sites(model)["act1"]
    before = model(X)
    set_activations(model, {"act3": "tanh"})
    sites = activation_sites(model)
    assert {name: site.operator.name for name, site in sites.items()} == {
        "act1": "relu",
        "act2": "relu",
        "act3": "tanh",
        "act4": "relu",
    }
    assert sites["act1"] is kept
    assert not torch.equal(model(X), before)


def test_a_site_inside_a_block_can_be_changed():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(Activation(), nn.Linear(2, 2)))
    set_activations(model, {"1.0": "tanh"})
    assert activation_sites(model)["1.0"].operator.name == "tanh"


def test_an_unknown_site_is_refused_with_the_nearest_name(model: LeNet5):
    with pytest.raises(
        SafsError, match=r"unknown activation site 'ac1'; did you mean 'act1'\? It is one of act1, act2"
    ):
        set_activations(model, {"ac1": "tanh"})


def test_an_unknown_operator_is_refused_with_the_nearest_name(model: LeNet5):
    with pytest.raises(SafsError, match=r"unknown activation operator 'tann'; did you mean 'tanh'\?"):
        set_activations(model, {"act1": "tann"})


def test_constant_scales_are_no_parameters(model: LeNet5):
    assert scale_parameters(model) == []
    set_activations(model, {"act1": "swish"})
    assert scale_parameters(model) == []


def test_learnt_scales_are_parameters_of_their_site(model: LeNet5):
    set_activations(model, {"act1": "swish", "act4": "acon"}, scales="layer")
    names = {name for name, _ in model.named_parameters() if name.startswith("act")}
    assert names == {"act1.alpha", "act1.beta", "act4.p1", "act4.p2", "act4.beta"}
    assert {id(scale) for scale in scale_parameters(model)} == {id(dict(model.named_parameters())[n]) for n in names}


def test_a_site_says_what_it_is():
    assert repr(Activation("tanh", "layer")) == "Activation(tanh, scales=layer)"


def test_scales_by_channel_have_one_value_a_channel(model: LeNet5):
    set_activations(model, {"act1": "swish", "act4": "acon"}, "channel")
    sizes = {name: tuple(scale.shape) for name, scale in model.named_parameters() if name.startswith("act")}
    assert sizes == dict.fromkeys(["act1.alpha", "act1.beta"], (6,)) | dict.fromkeys(
        ["act4.p1", "act4.p2", "act4.beta"], (84,)
    )
    model(X).sum().backward()
    assert all(scale.grad is not None for scale in scale_parameters(model))


def test_a_change_keeps_channels_and_mode(model: LeNet5):
    model.eval()
    set_activations(model, {"act2": "tanh"})
    site = activation_sites(model)["act2"]
    assert (site.channels, site.axis, site.training) == (16, 1, False)


def test_learnt_scales_start_where_they_are_told(model: LeNet5):
    set_activations(model, {"act1": "tanh", "act2": "acon"}, "layer", initial={"alpha": 2.0, "beta": 0.5})
    values = {name: float(scale.detach()) for name, scale in model.named_parameters() if name[:3] == "act"}
    assert values == {"act1.alpha": 2.0, "act1.beta": 0.5, "act2.p1": 1.0, "act2.p2": 0.25, "act2.beta": 0.5}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scales": "layers"}, r"unknown kind of scales 'layers'; did you mean 'layer'\?"),
        ({"scales": "channel"}, "the number of channels is unknown"),
        ({"initial": {"alpha": 2.0}}, "the scales are fixed"),
        ({"scales": "layer", "initial": {"alfa": 2.0}}, r"unknown scale of relu 'alfa'; did you mean 'alpha'\?"),
    ],
)
def test_scales_that_cannot_be_are_refused(arguments: dict[str, Any], message: str):
    with pytest.raises(SafsError, match=message):
        Activation(**arguments)


def test_a_site_without_channels_is_named():
    model = nn.Sequential(nn.Linear(2, 2), Activation())
    with pytest.raises(SafsError, match="activation site '1': scales is 'channel'"):
        set_activations(model, {"1": "tanh"}, "channel")


def test_the_names_of_scales_are_free_of_torch():
    code = "import sys, safs.activations.types; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_the_room_does_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Activations'"):
        safs.activations.Activations  # noqa: B018


def test_a_network_can_be_copied(model: LeNet5):
    twin = copy.deepcopy(model)
    assert torch.equal(twin(X), model(X))
    set_activations(twin, {"act1": "tanh"})
    assert activation_sites(model)["act1"].operator.name == "relu"
