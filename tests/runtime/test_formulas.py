import numpy as np
import pytest
import torch
import torch.nn.functional as F

from safs.activations import OPERATORS, operator_named
from safs.runtime.formulas import CODES, FORMULAS, parameters
from safs.runtime.lanes import WIDTH
from safs.runtime.machine import act
from safs.runtime.rules import SCALES

SPECIAL = [0.0, -0.0, 1e-30, -1e-30, 1e-7, -1e-7, 6.0, -3.0, 3.0, 10.0, -10.0, 20.0, 88.0, -88.0, 1e4, -1e4]


def inputs():
    x = np.concatenate([np.linspace(-30, 30, 4001), np.linspace(-0.01, 0.01, 301), SPECIAL]).astype(np.float32)
    return np.resize(x, -(-len(x) // WIDTH) * WIDTH)


def computed(operator, x, table):
    y, mask = np.empty_like(x), np.full(len(x), -1, np.int32)
    act(CODES[operator], 1, len(x) // WIDTH, 0, x.ctypes.data, mask.ctypes.data, y.ctypes.data, table[0])
    return y


def test_every_operator_has_a_formula_and_takes_the_same_scales():
    assert set(OPERATORS) <= set(SCALES)
    assert set(SCALES) | {"affine"} == set(FORMULAS)
    for name, operator in OPERATORS.items():
        assert set(operator.scales) == set(SCALES[name])


@pytest.mark.parametrize("variant", range(4))
@pytest.mark.parametrize("operator", OPERATORS)
def test_a_formula_gives_what_torch_does_in_float64(operator, variant):
    random = np.random.default_rng(variant)
    scales = {name: np.float32(value) for name, value in OPERATORS[operator].scales.items()}
    if variant:
        scales = {name: np.float32(value * random.uniform(0.5, 1.7)) for name, value in scales.items()}
    if variant == 3:  # out of the range in which some are held
        scales = {name: np.float32(value - 1.1) for name, value in scales.items()}
    x = inputs()
    exact = {name: torch.tensor(float(value), dtype=torch.float64) for name, value in scales.items()}
    wanted = operator_named(operator).function(torch.from_numpy(x).double(), **exact).numpy()
    y = computed(operator, x, parameters(operator, {name: np.array([v]) for name, v in scales.items()}, 1))
    slope = np.maximum(1.0, np.abs(wanted))  # a rounded beta * x moves the result by its slope
    if operator == "symexp":
        slope = np.maximum(slope, 3 * np.minimum(np.abs(x), 10) * np.abs(wanted))
    assert np.isfinite(y).all()
    assert np.abs(y - wanted).max(initial=0, where=np.abs(x) <= 30) <= 2e-6 * slope.max()
    assert (np.abs(y - wanted) <= 4e-6 * slope + 4e-7 * np.abs(x)).all()


@pytest.mark.parametrize("operator", ["swish", "mish", "gelu", "elu", "selu"])
def test_the_tail_stays_flat_however_far_out(operator):
    scales = {name: np.array([value]) for name, value in OPERATORS[operator].scales.items()}
    x = np.resize(np.float32([-1e10, -1e20, -1e30, -3e38]), WIDTH)
    y = computed(operator, x, parameters(operator, scales, 1))
    wanted = operator_named(operator).function(torch.from_numpy(x).double(), **OPERATORS[operator].scales).numpy()
    assert np.abs(y - wanted).max() < 1e-6


@pytest.mark.parametrize(("operator", "function"), [("sigmoid", torch.sigmoid), ("hardsigmoid", F.hardsigmoid)])
def test_the_gates_of_squeeze_and_excitation(operator, function):
    x = inputs()
    wanted = function(torch.from_numpy(x).double()).numpy()
    y = computed(operator, x, parameters(operator, {"alpha": np.ones(1), "beta": np.ones(1)}, 1))
    assert np.abs(y - wanted).max() < 2e-7


@pytest.mark.parametrize("operator", ["tanh", "elu", "selu", "symlog", "symexp"])
def test_small_values_keep_their_digits(operator):
    x = np.resize(np.float32([1e-3, -1e-3, 1e-5, -1e-5, 3e-8, -1e-20]), 2 * WIDTH)
    ones = {"alpha": torch.tensor(1.0).double(), "beta": torch.tensor(1.0).double()}
    wanted = operator_named(operator).function(torch.from_numpy(x).double(), **ones).numpy()
    y = computed(operator, x, parameters(operator, {"alpha": np.ones(1), "beta": np.ones(1)}, 1))
    np.testing.assert_allclose(y, wanted, rtol=5e-7)


def test_what_is_masked_is_zero_and_a_nan_stays():
    x = np.full(WIDTH, 2, np.float32)
    x[1] = np.nan
    mask, y = np.full(WIDTH, -1, np.int32), np.ones(WIDTH, np.float32)
    mask[0] = 0
    for code in CODES.values():
        act(code, 1, 1, 0, x.ctypes.data, mask.ctypes.data, y.ctypes.data, np.ones(4, np.float32))
        assert y[0] == 0
        assert np.isfinite(y[2:]).all()
