"""The vector formulas against torch's autograd on the operators themselves."""

import numpy as np
import pytest
import torch

from safs.activations import OPERATORS
from safs.native.codes import CODES
from safs.native.operators import activate, differentiate

INPUTS = np.concatenate(
    [np.random.default_rng(0).normal(0, 3, 976), np.linspace(-30, 30, 40), [-1e4, 1e4, -100, 100, 1e-3, -1e-3, 7, -7]]
).astype(np.float32)


def close(ours, theirs, tolerance=1e-4):
    scale = np.maximum(np.abs(theirs), 1e-2)
    return float(np.max(np.abs(ours - theirs) / scale)) < tolerance


@pytest.mark.parametrize("factor", [1.0, 0.7, -0.6])
@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_value_slope_and_scales_are_those_of_torch(name, factor):
    operator = OPERATORS[name]
    scales = [np.float32(value * factor) for value in operator.scales.values()]
    padded = np.array(scales + [0] * (4 - len(scales)), np.float32)
    inputs = INPUTS[np.abs(INPUTS) < 50][:1016] if name == "symexp" else INPUTS  # its tangent makes sums of 1e8
    x = torch.tensor(inputs, dtype=torch.float64, requires_grad=True)
    leaves = [torch.tensor(float(s), dtype=torch.float64, requires_grad=True) for s in scales]
    upstream = torch.randn(len(x), generator=torch.Generator().manual_seed(1))
    y = operator.function(x, **dict(zip(operator.scales, leaves, strict=True)))
    y.backward(upstream)

    count = len(x) // 8
    arena = np.concatenate([inputs, np.zeros(len(x), np.float32), upstream.numpy()])
    received = np.zeros(4, np.float32)
    activate(CODES[name], arena, 0, len(x), count, *padded)
    differentiate(CODES[name], arena, 0, 2 * len(x), count, padded, received)

    assert len(x) == 8 * count
    assert close(arena[len(x) : 2 * len(x)], y.detach().numpy())
    assert close(arena[2 * len(x) :], x.grad.numpy())
    for ours, leaf in zip(received, leaves, strict=False):
        expected = float(leaf.grad)
        assert abs(ours - expected) <= 1e-3 * max(1.0, abs(expected)), (ours, expected)


def test_every_operator_has_a_code():
    assert set(CODES) == set(OPERATORS)
