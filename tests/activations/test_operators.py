import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from safs.activations import OPERATORS, Activation, operator_named
from safs.activations.types import SCALES
from safs.errors import SafsError

MAGNITUDES = (1e-8, 0.5, 1.0, 3.0, 6.0, 10.0, 88.0, 89.0, 1e3, 1e4)
POINTS = torch.tensor([0.0, *MAGNITUDES, *(-m for m in MAGNITUDES)])
SMOOTH = (-4.3, -2.4, -1.7, -0.6, 0.4, 1.3, 2.6, 4.7)  # away from every kink
EXTREMES = (-3.0, 0.0, 0.01, 50.0)
KINDS = pytest.mark.parametrize("scales", SCALES)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def scaled(f: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda x, alpha=1.0, beta=1.0: alpha * f(beta * x)


def acon(x: np.ndarray, p1: float = 1.0, p2: float = 0.25, beta: float = 1.0) -> np.ndarray:
    return (p1 - p2) * x * sigmoid(beta * (p1 - p2) * x) + p2 * x


def falu(x: np.ndarray, alpha: float = 0.5, beta: float = 1.0) -> np.ndarray:
    g = x * sigmoid(beta * x)
    return g + alpha * sigmoid(beta * x) * (1 - g)


def srelu(x: np.ndarray, t_l: float = 0.0, a_l: float = 0.2, t_r: float = 1.0, a_r: float = 1.0) -> np.ndarray:
    return np.where(x <= t_l, t_l + a_l * (x - t_l), np.where(x >= t_r, t_r + a_r * (x - t_r), x))


SELU, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
FORMULAS: dict[str, Callable[..., np.ndarray]] = {
    "relu": scaled(lambda x: np.maximum(0, x)),
    "relu6": scaled(lambda x: np.minimum(np.maximum(0, x), 6)),
    "hardswish": scaled(lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "swish": lambda x, alpha=1.0, beta=1.0: alpha * x * sigmoid(beta * x),
    "gelu": scaled(lambda x: x * np.vectorize(lambda v: 0.5 * (1 + math.erf(v / math.sqrt(2))))(x)),
    "elu": scaled(lambda x: np.where(x > 0, x, np.exp(x) - 1)),
    "selu": scaled(lambda x: SELU * np.where(x > 0, x, SELU_ALPHA * (np.exp(x) - 1))),
    "mish": scaled(lambda x: x * np.tanh(np.log(1 + np.exp(x)))),
    "tanh": scaled(np.tanh),
    "hardtanh": scaled(lambda x: np.clip(x, -1, 1)),
    "softplus": scaled(lambda x: np.log(1 + np.exp(x))),
    "logsigmoid": scaled(lambda x: -np.log(1 + np.exp(-x))),
    "symlog": scaled(lambda x: np.sign(x) * np.log(np.abs(x) + 1)),
    "symexp": scaled(lambda x: np.sign(x) * (np.exp(np.abs(x)) - 1)),
    "tanhsoft1": lambda x, alpha=1.0, beta=1.0: np.tanh(alpha * x) * np.log(1 + np.exp(beta * x)),
    "srs": lambda x, alpha=1.0, beta=1.0: x / (x / alpha + np.exp(-x / beta)),
    "acon": acon,
    "falu": falu,
    "srelu": srelu,
    "linear": scaled(lambda x: x),
}
OTHER_SCALES = {
    "alpha": 0.8,
    "beta": 1.3,
    "p1": 1.2,
    "p2": -0.3,
    "t_l": -0.7,
    "a_l": 0.1,
    "t_r": 1.9,
    "a_r": 0.4,
}


def check_finite(module: Activation, x: Tensor, autocast: bool) -> None:
    """Forward and backward of `module` are finite, for x and for the scales."""
    x = x.clone().requires_grad_()
    module.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        before = F.linear(x[:, None], torch.ones(1, 1))  # under autocast this hands on bfloat16
        after = module(before)
    assert before.dtype is (torch.bfloat16 if autocast else torch.float32)
    assert torch.isfinite(after).all(), f"forward {after.flatten().tolist()}"
    after.sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all(), f"backward {x.grad.tolist()}"
    for name, scale in module.named_parameters():
        assert scale.grad is not None
        assert torch.isfinite(scale.grad).all(), name


@pytest.mark.parametrize("name", OPERATORS)
class TestEveryOperator:
    @pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 3, 4, 5)])
    @pytest.mark.parametrize("scales", ["fixed", "layer"])
    def test_the_shape_stays(self, name: str, shape: tuple[int, ...], scales: str):
        assert Activation(name, scales)(torch.zeros(shape)).shape == shape

    @pytest.mark.parametrize(("shape", "axis"), [((2, 3), 1), ((2, 3, 4, 5), 1), ((2, 4, 3), -1), ((0, 3), 1)])
    def test_the_shape_stays_with_a_scale_a_channel(self, name: str, shape: tuple[int, ...], axis: int):
        assert Activation(name, "channel", channels=3, axis=axis)(torch.zeros(shape)).shape == shape

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    @KINDS
    def test_the_type_stays(self, name: str, dtype: torch.dtype, scales: str):
        assert Activation(name, scales, channels=3)(torch.zeros(2, 3, dtype=dtype)).dtype is dtype

    @pytest.mark.parametrize("autocast", [False, True])
    @KINDS
    def test_forward_and_backward_are_finite(self, name: str, scales: str, autocast: bool):
        check_finite(Activation(name, scales, channels=1), POINTS, autocast)

    @pytest.mark.parametrize("autocast", [False, True])
    @pytest.mark.parametrize("scales", ["layer", "channel"])
    def test_extreme_scales_keep_everything_finite(self, name: str, scales: str, autocast: bool):
        module = Activation(name, scales, channels=1)
        parameters = list(module.parameters())
        for values in itertools.product(EXTREMES, repeat=min(len(parameters), 3)):
            for scale, value in zip(parameters, itertools.cycle(values), strict=False):
                scale.data.fill_(value)
            check_finite(module, POINTS, autocast)

    def test_gradients_are_those_of_the_function(self, name: str):
        x = torch.tensor(SMOOTH, dtype=torch.float64, requires_grad=True)
        operator = OPERATORS[name]
        scales = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in operator.scales.values()]
        assert torch.autograd.gradcheck(
            lambda x, *s: operator.function(x, **dict(zip(operator.scales, s, strict=True))), (x, *scales)
        )

    @pytest.mark.parametrize("scales", ["fixed", "layer"])
    def test_the_gradient_at_zero_lies_between_the_slopes_beside_it(self, name: str, scales: str):
        # blank pixels and pruned layers make exact zeros: there a gradient lost by clamp() or sign() matters
        x = torch.tensor([-1e-6, 0.0, -0.0, 1e-6], dtype=torch.float64, requires_grad=True)
        (slopes,) = torch.autograd.grad(Activation(name, scales)(x).sum(), x)
        left, *zeros, right = slopes.tolist()
        for slope in zeros:
            assert min(left, right) - 1e-5 <= slope <= max(left, right) + 1e-5

    def test_learnt_scales_start_where_constants_are(self, name: str):
        x = torch.linspace(-12, 12, 241)
        torch.testing.assert_close(Activation(name, "layer")(x), Activation(name)(x), rtol=1e-6, atol=1e-6)
        by_channel = Activation(name, "channel", channels=241, axis=0)
        torch.testing.assert_close(by_channel(x), Activation(name)(x), rtol=1e-6, atol=1e-6)

    def test_every_channel_has_its_own_scales(self, name: str):
        x = torch.linspace(-3, 3, 24).view(2, 3, 4)
        module = Activation(name, "channel", channels=3)
        for scale, parameter in module.named_parameters():
            parameter.data[1] = OTHER_SCALES[scale]
        y = module(x)
        other = OPERATORS[name].function(x, **{scale: OTHER_SCALES[scale] for scale in OPERATORS[name].scales})
        torch.testing.assert_close(y[:, 1], other[:, 1], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(y[:, [0, 2]], Activation(name)(x)[:, [0, 2]], rtol=1e-5, atol=1e-6)

    def test_it_is_its_formula(self, name: str):
        x = np.linspace(-5, 5, 101)
        y = Activation(name)(torch.from_numpy(x)).numpy()
        np.testing.assert_allclose(y, FORMULAS[name](x), rtol=1e-6, atol=1e-9)

    def test_it_is_its_formula_at_other_scales(self, name: str):
        x = np.linspace(-5, 5, 101)
        scales = {scale: OTHER_SCALES[scale] for scale in OPERATORS[name].scales}
        y = OPERATORS[name].function(torch.from_numpy(x), **scales).numpy()
        np.testing.assert_allclose(y, FORMULAS[name](x, **scales), rtol=1e-6, atol=1e-9)

    def test_every_scale_matters(self, name: str):
        module = Activation(name, "layer")
        for scale, parameter in module.named_parameters():
            parameter.data.fill_(OTHER_SCALES[scale])  # srelu's t_r has no effect while a_r is 1
        module(torch.tensor(SMOOTH)).square().sum().backward()
        assert all(scale.grad is not None and scale.grad != 0 for scale in module.parameters())

    def test_it_is_registered_with_formula_and_source(self, name: str):
        operator = operator_named(name)
        assert operator.name == name
        assert "x" in operator.formula
        assert operator.source.strip()
        assert set(operator.scales) == {scale for scale, _ in Activation(name, "layer").named_parameters()}


def test_every_operator_has_a_formula_here():
    assert set(FORMULAS) == set(OPERATORS)


@pytest.mark.parametrize("scales", ["fixed", "layer"])
def test_symlog_has_gradient_one_at_zero(scales: str):
    x = torch.tensor([0.0, -0.0], requires_grad=True)
    Activation("symlog", scales)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, 1.0]


def test_acon_does_not_start_linear():
    low, middle, high = Activation("acon")(torch.tensor([-2.0, 0.0, 2.0])).tolist()
    assert abs(low + high - 2 * middle) > 0.5


def test_symexp_goes_on_as_its_tangent_and_meets_it():
    x = torch.tensor([9.999, 10.0, 10.001, 20.0], dtype=torch.float64, requires_grad=True)
    y = Activation("symexp")(x)
    (slopes,) = torch.autograd.grad(y.sum(), x)
    np.testing.assert_allclose(slopes[1:].numpy(), math.exp(10), rtol=1e-6)
    np.testing.assert_allclose(float(y[3].detach()), math.expm1(10) + 10 * math.exp(10), rtol=1e-6)


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 3.0), (1.0, 50.0), (0.1, 5.0), (-3.0, 1.0), (0.01, 0.5)])
def test_srs_has_no_pole_whatever_its_scales_are(alpha: float, beta: float):
    x = torch.linspace(-200, 0, 20_001)
    y = OPERATORS["srs"].function(x, torch.tensor(alpha), torch.tensor(beta))
    assert y.max() <= 0  # beyond a pole the sign would turn
    assert y.min() > -20


def test_an_unknown_operator_is_refused_with_the_nearest_name():
    with pytest.raises(SafsError, match=r"unknown activation operator 'symlg'; did you mean 'symlog'\?"):
        Activation("symlg")
