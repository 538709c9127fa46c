import pytest
import torch
from torch import nn

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
    set_activations(model, {"act1": "swish", "act4": "acon"}, learnt=True)
    names = {name for name, _ in model.named_parameters() if name.startswith("act")}
    assert names == {"act1.alpha", "act1.beta", "act4.p1", "act4.p2", "act4.beta"}
    assert {id(scale) for scale in scale_parameters(model)} == {id(dict(model.named_parameters())[n]) for n in names}


def test_a_site_says_what_it_is():
    assert repr(Activation("tanh", learnt=True)) == "Activation(tanh, learnt=True)"
