import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from safs.activations import (
    Activation,
    activation_sites,
    expose_sites,
    original_operators,
    set_activations,
    unseen,
)
from safs.errors import SafsError

X = torch.linspace(-3, 3, 3 * 6).view(3, 6)


class Net(nn.Module):
    """A network whose forward is given."""

    def __init__(self, forward: Any, **modules: nn.Module):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = nn.Linear(6, 6), nn.Linear(6, 6)
        for name, module in modules.items():
            self.add_module(name, module)
        self.run = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


def class_of(body: Any, **modules: nn.Module) -> nn.Module:
    """A network with `body` as its own forward, which torch.fx can trace."""
    kind = type("Traced", (Net,), {"forward": body})
    return kind(None, **modules)


def exposed(model: nn.Module, x: Tensor = X, excluded: tuple[str, ...] = ()) -> nn.Module:
    """The exposed network, once its outputs and gradients are found to be equal."""
    result = expose_sites(model, x, excluded)
    outputs = []
    for network in (model, result):
        network.eval()
        network.zero_grad()
        outputs.append(network(x.clone()))
        outputs[-1].square().sum().backward()
    assert torch.equal(*outputs)
    after = dict(result.named_parameters())
    for name, parameter in model.named_parameters():
        assert (parameter.grad is None) == (after[name].grad is None)
        assert parameter.grad is None or torch.equal(parameter.grad, after[name].grad), name
    return result


FUNCTIONS = {
    "F.relu": (lambda self, x: self.two(F.relu(self.one(x))), "relu", "relu"),
    "F.relu in place": (lambda self, x: self.two(F.relu(self.one(x), inplace=True)), "relu", "relu"),
    "F.relu in place by position": (lambda self, x: self.two(F.relu(self.one(x), True)), "relu", "relu"),
    "F.relu by name": (lambda self, x: self.two(F.relu(input=self.one(x))), "relu", "relu"),
    "torch.relu": (lambda self, x: self.two(torch.relu(self.one(x))), "relu", "relu"),
    "torch.relu_": (lambda self, x: self.two(torch.relu_(self.one(x))), "relu", "relu"),
    "x.relu": (lambda self, x: self.two(self.one(x).relu()), "relu", "relu"),
    "x.relu_": (lambda self, x: self.two(self.one(x).relu_()), "relu", "relu"),
    "F.silu": (lambda self, x: self.two(F.silu(self.one(x))), "silu", "swish"),
    "F.gelu": (lambda self, x: self.two(F.gelu(self.one(x))), "gelu", "gelu"),
    "F.relu6": (lambda self, x: self.two(F.relu6(self.one(x))), "relu6", "relu6"),
    "F.hardswish": (lambda self, x: self.two(F.hardswish(self.one(x))), "hardswish", "hardswish"),
    "F.elu": (lambda self, x: self.two(F.elu(self.one(x), 1.0)), "elu", "elu"),
    "F.selu": (lambda self, x: self.two(F.selu(self.one(x))), "selu", "selu"),
    "F.mish": (lambda self, x: self.two(F.mish(self.one(x))), "mish", "mish"),
    "torch.tanh": (lambda self, x: self.two(torch.tanh(self.one(x))), "tanh", "tanh"),
    "x.tanh": (lambda self, x: self.two(self.one(x).tanh()), "tanh", "tanh"),
    "F.hardtanh": (lambda self, x: self.two(F.hardtanh(self.one(x))), "hardtanh", "hardtanh"),
    "F.softplus": (lambda self, x: self.two(F.softplus(self.one(x))), "softplus", "softplus"),
    "F.logsigmoid": (lambda self, x: self.two(F.logsigmoid(self.one(x))), "logsigmoid", "logsigmoid"),
}


@pytest.mark.parametrize(("body", "name", "operator"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_becomes_a_site(body: Any, name: str, operator: str):
    model = exposed(class_of(body))
    assert original_operators(model) == {name: operator}
    assert unseen(model) == {}
    before = model(X)
    set_activations(model, {name: "symexp"})
    assert not torch.equal(model(X), before)


MODULES = [nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.GELU, nn.ELU, nn.SELU, nn.Mish, nn.Tanh, nn.Hardtanh,
           nn.Softplus, nn.LogSigmoid]  # fmt: skip


@pytest.mark.parametrize("kind", MODULES)
def test_a_module_becomes_a_site(kind: type[nn.Module]):
    model = exposed(nn.Sequential(nn.Linear(6, 6), kind(), nn.Linear(6, 2)))
    assert list(activation_sites(model)) == ["1"]


def test_an_instance_used_several_times_gives_several_sites():
    def body(self, x):
        return self.act(self.two(self.act(self.one(self.act(x)))))

    model = exposed(class_of(body, act=nn.ReLU()))
    assert list(original_operators(model)) == ["act", "act_1", "act_2"]
    before = model(X)
    set_activations(model, {"act_1": "tanh"})
    assert not torch.equal(model(X), before)
    assert [site.operator.name for site in activation_sites(model).values()] == ["relu", "tanh", "relu"]


def test_an_instance_in_several_places_gives_several_sites():
    act = nn.SiLU()
    model = exposed(nn.Sequential(nn.Linear(6, 6), act, nn.Linear(6, 6), nn.Sequential(act, nn.Linear(6, 6))))
    assert list(original_operators(model)) == ["1", "3.0"]


def test_an_instance_that_two_modules_reach_gives_several_sites():
    def body(self, x):
        return self.block(self.block[0](self.one(x)))

    model = exposed(class_of(body, block=nn.Sequential(nn.ReLU(), nn.Linear(6, 6))))
    assert list(original_operators(model)) == ["block.0", "block.0_1"]


def test_functions_of_a_block_are_named_after_it():
    def inner(self, x):
        return self.two(F.relu(self.one(F.relu(x)))) + x

    model = exposed(nn.Sequential(nn.Linear(6, 6), class_of(inner), nn.ReLU(), class_of(inner)))
    assert list(original_operators(model)) == ["1.relu", "1.relu_1", "2", "3.relu", "3.relu_1"]


def test_a_function_whose_name_is_taken_gets_a_number():
    def body(self, x):
        return F.relu(self.two(self.relu(self.one(x))))

    assert list(original_operators(exposed(class_of(body, relu=nn.ReLU())))) == ["relu", "relu_1"]


def test_whoever_reads_the_input_after_an_in_place_call_reads_the_result():
    def body(self, x):
        y = self.one(x)
        y.relu_()
        return self.two(y) + y

    assert list(original_operators(exposed(class_of(body)))) == ["relu"]


def test_whoever_reads_the_input_after_an_in_place_module_reads_the_result():
    def body(self, x):
        y = self.one(x)
        return self.two(self.act(y)) + y

    model = exposed(class_of(body, act=nn.ReLU(inplace=True)))
    assert activation_sites(model)["act"].inplace
    set_activations(model, {"act": "tanh"}, "layer")
    model(X).sum().backward()
    y = torch.tanh(model.one(X))
    torch.testing.assert_close(model(X), model.two(y) + y)


def test_the_mode_still_decides():
    def body(self, x):
        return self.two(F.dropout(F.relu(self.one(x)), 0.5, training=self.training))

    model = exposed(class_of(body))
    model.train()
    assert not torch.equal(model(X), model(X))
    model.eval()
    assert torch.equal(model(X), model(X))


def test_arguments_that_are_no_tensors_stay():
    class Inner(nn.Module):
        def forward(self, x: Tensor, residual: Tensor | None = None, factor: int = 1) -> Tensor:
            y = F.relu(x) * factor
            return y if residual is None else y + residual

    def body(self, x):
        return self.inner(self.one(x), factor=3)

    assert list(original_operators(exposed(class_of(body, inner=Inner())))) == ["inner.relu"]


def test_what_has_no_operator_is_left_and_told():
    model = exposed(nn.Sequential(nn.Linear(6, 6), nn.PReLU(), nn.LeakyReLU(), nn.GELU("tanh"), nn.ReLU()))
    assert list(original_operators(model)) == ["4"]
    assert unseen(model) == {
        "1": "PReLU has no operator here",
        "2": "LeakyReLU has no operator here",
        "3": "GELU with approximate tanh has no operator here",
    }


def test_functions_without_operator_are_told():
    model = exposed(class_of(lambda self, x: F.leaky_relu(self.two(F.elu(self.one(x), alpha=0.5)))))
    assert original_operators(model) == {}
    assert set(unseen(model)) == {"elu", "leaky_relu"}


def test_gates_are_no_sites():
    def body(self, x):
        y = self.one(x)
        return self.two(y * torch.sigmoid(y)) * self.gate(y) * F.softmax(y, -1)

    model = exposed(class_of(body, gate=nn.Hardsigmoid()))
    assert (original_operators(model), unseen(model)) == ({}, {})


def test_what_cannot_be_traced_is_told_and_the_rest_found():
    def body(self, x):
        x = self.one(x)
        if x.sum() > -1e9:  # depends on the data
            x = F.relu(x)
        return self.act(self.two(self.act(x)))

    model = exposed(nn.Sequential(class_of(body, act=nn.SiLU()), nn.ReLU()))
    assert list(original_operators(model)) == ["0.act", "1"]
    assert list(unseen(model)) == ["0.relu"]
    assert "torch.fx cannot trace it" in unseen(model)["0.relu"]


def test_sites_that_calls_have_to_share_are_told():
    def body(self, x):
        x = self.one(x)
        if x.sum() > -1e9:
            x = self.act(x)
        return self.act(self.two(x))

    model = exposed(class_of(body, act=nn.ReLU()))
    assert list(original_operators(model)) == ["act"]
    assert "share their sites" in unseen(model)[""]


def test_a_forward_that_differs_in_training_is_told():
    def body(self, x):
        x = F.relu(self.one(x))
        return self.two(x) if self.training else self.two(x + 1)

    model = exposed(class_of(body))
    assert unseen(model) == {"relu": "it does other things in training than in evaluation"}


def test_excluded_sites_stay_what_they_are():
    def body(self, x):
        return self.two(F.relu(self.act(self.one(F.silu(x)))))

    original = class_of(body, act=nn.ReLU())
    model = exposed(original, excluded=("act", "sil*"))
    assert list(original_operators(model)) == ["relu"]
    assert isinstance(model.act, nn.ReLU)
    assert unseen(model) == {}
    assert original_operators(exposed(original, excluded=("*",))) == {}


def test_a_module_that_never_runs_is_no_site():
    model = exposed(class_of(lambda self, x: self.two(self.one(x)), act=nn.ReLU()))
    assert activation_sites(model) == {}
    assert isinstance(model.act, nn.ReLU)


def test_the_model_itself_is_left_alone():
    model = nn.Sequential(nn.Linear(6, 6), nn.ReLU())
    expose_sites(model, (6,))
    assert isinstance(model[1], nn.ReLU)
    assert model.training


def test_sites_of_ours_stay_and_a_second_time_changes_nothing():
    model = expose_sites(nn.Sequential(nn.Linear(6, 6), Activation("tanh"), nn.ReLU()), X)
    again = exposed(model)
    assert original_operators(again) == original_operators(model) == {"1": "tanh", "2": "relu"}


def test_the_original_operators_are_remembered():
    model = expose_sites(nn.Sequential(nn.Linear(6, 6), nn.SiLU()), X)
    set_activations(model, {"1": "tanh"}, "layer")
    assert original_operators(model) == {"1": "swish"}


@pytest.mark.parametrize(
    ("layers", "shape", "channels", "axis"),
    [
        ([nn.Conv2d(3, 5, 3), nn.ReLU()], (3, 8, 8), 5, 1),
        ([nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU()], (3, 8, 8), 5, 1),
        ([nn.Linear(8, 5), nn.ReLU()], (8,), 5, 1),
        ([nn.Linear(8, 5), nn.ReLU()], (7, 8), 5, -1),
        ([nn.Linear(8, 5), nn.LayerNorm(5), nn.ReLU()], (4, 7, 8), 5, -1),
        ([nn.Conv1d(3, 5, 3), nn.ReLU()], (3, 20), 5, 1),
    ],
)
def test_channels_are_found(layers: list[nn.Module], shape: tuple[int, ...], channels: int, axis: int):
    model = expose_sites(nn.Sequential(*layers), shape)
    (name, site), *_ = activation_sites(model).items()
    assert (site.channels, site.axis) == (channels, axis)
    set_activations(model, {name: "swish"}, "channel")
    model(torch.randn(2, *shape)).sum().backward()
    assert activation_sites(model)[name].alpha.shape == (channels,)


def test_a_copy_and_a_trace_of_an_exposed_model_run():
    model = exposed(class_of(FUNCTIONS["F.silu"][0]))
    twin = copy.deepcopy(model)
    set_activations(twin, {"silu": "relu"})
    assert original_operators(twin) == {"silu": "swish"}
    assert not torch.equal(twin(X), model(X))
    assert torch.equal(torch.fx.symbolic_trace(model)(X), model(X))


def test_a_model_that_does_not_run_is_refused():
    with pytest.raises(SafsError, match=r"Sequential does not run on inputs \[2, 5\]"):
        expose_sites(nn.Sequential(nn.Linear(6, 6), nn.ReLU()), (5,))


@pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v3_small", "resnet18"])
def test_models_of_torchvision_are_exposed_whole(name: str):
    torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed")
    torch.manual_seed(0)
    model = exposed(torchvision.models.get_model(name, weights=None), torch.randn(2, 3, 64, 64))
    counts = {"squeezenet1_1": 26, "mobilenet_v3_small": 33, "resnet18": 17}
    assert len(activation_sites(model)) == counts[name]
    assert unseen(model) == {}
