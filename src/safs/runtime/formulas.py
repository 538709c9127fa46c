"""The activations as formulas on vectors of floats; the same functions as in `safs.activations.operators`."""

from collections.abc import Callable, Mapping

import numpy as np

from safs.runtime.elementary import SMALLEST, erf, exp, expm1, log1p, log1p_of_share, sigmoid, softplus, tanh
from safs.runtime.lanes import Lanes
from safs.runtime.network import Floats, Node
from safs.runtime.rules import SCALES

SYMEXP_LIMIT, SYMEXP_SLOPE = 10.0, float(np.exp(10.0))

Formula = Callable[[Lanes, Lanes, Lanes, Lanes, Lanes], Lanes]


def elu(x: Lanes) -> Lanes:
    """X where it is positive, else exp(x) - 1."""
    return x.where_positive(x, expm1(x.min(0.0).max(SMALLEST)))


def selu(x: Lanes) -> Lanes:
    """Klambauer et al. 2017, arXiv:1706.02515."""
    return x.where_positive(x, expm1(x.min(0.0).max(SMALLEST)) * 1.6732632423543772) * 1.0507009873554805


def mish(x: Lanes) -> Lanes:
    """X tanh(softplus(x)) with one exp."""
    e = exp(x.min(20.0))
    n = e * (e + 2.0)
    return x * (n / (n + 2.0))


def gelu(x: Lanes) -> Lanes:
    """X times the normal distribution's Phi(x), which is 0 in float32 below -5.6; erf's error must not grow with x there."""
    return x.max(-5.6) * 0.5 * (erf(x * 0.7071067811865476) + 1.0)


def hardsigmoid(x: Lanes) -> Lanes:
    """relu6(x + 3) / 6."""
    return (x + 3.0).max(0.0).min(6.0) * (1 / 6)


def logsigmoid(x: Lanes) -> Lanes:
    """-ln(1 + exp(-x))."""
    return x.min(0.0) - log1p_of_share(exp(x.negative()))


def symlog(x: Lanes) -> Lanes:
    """sign(x) ln(|x| + 1)."""
    return log1p(x.abs()).signed_like(x)


def symexp(x: Lanes) -> Lanes:
    """sign(x) (exp|x| - 1) up to |x| = 10, then the tangent."""
    near = x.max(-SYMEXP_LIMIT).min(SYMEXP_LIMIT)
    return (x - near).fma(SYMEXP_SLOPE, expm1(near.abs()).signed_like(near))


def scaled(function: Callable[[Lanes], Lanes]) -> Formula:
    """Turn f(x) into alpha * f(beta * x)."""
    return lambda x, alpha, beta, _c, _d: alpha * function(beta * x)


def swish(x: Lanes, alpha: Lanes, beta: Lanes, _c: Lanes, _d: Lanes) -> Lanes:
    """Alpha x sigmoid(beta x)."""
    return alpha * (x * sigmoid(beta * x))


def tanhsoft1(x: Lanes, alpha: Lanes, beta: Lanes, _c: Lanes, _d: Lanes) -> Lanes:
    """tanh(alpha x) softplus(beta x)."""
    return tanh(alpha * x) * softplus(beta * x)


def srs(x: Lanes, alpha: Lanes, beta: Lanes, _c: Lanes, _d: Lanes) -> Lanes:
    """X / (x / alpha + exp(-x / beta)), both parts multiplied by exp(x / beta) for x < 0."""
    x = x.min(1e30)
    decay = exp(x.negative() * (1.0 / beta))
    above = x.where_positive(x, x * decay)
    return above / above.fma(1.0 / alpha, x.where_positive(decay, 1.0))


def acon(x: Lanes, p1: Lanes, p2: Lanes, beta: Lanes, _d: Lanes) -> Lanes:
    """(p1 - p2) x sigmoid(beta (p1 - p2) x) + p2 x."""
    difference = (p1 - p2) * x
    return difference * sigmoid(beta * difference) + p2 * x


def falu(x: Lanes, alpha: Lanes, beta: Lanes, _c: Lanes, _d: Lanes) -> Lanes:
    """G + alpha sigmoid(beta x) (1 - g) with g = x sigmoid(beta x)."""
    gate = sigmoid(beta * x)
    swished = x * gate
    return swished + alpha * gate * (1.0 - swished)


def srelu(x: Lanes, t_l: Lanes, a_l: Lanes, t_r: Lanes, a_r: Lanes) -> Lanes:
    """X between two thresholds, straight lines outside of them."""
    return x.max(t_l).min(t_r) + a_l * (x - t_l).min(0.0) + a_r * (x - t_r).max(0.0)


def affine(x: Lanes, scale: Lanes, shift: Lanes, _c: Lanes, _d: Lanes) -> Lanes:
    """Scale x + shift."""
    return x.fma(scale, shift)


FORMULAS: Mapping[str, Formula] = {
    "linear": scaled(lambda x: x),
    "relu": scaled(lambda x: x.max(0.0)),
    "relu6": scaled(lambda x: x.max(0.0).min(6.0)),
    "hardswish": scaled(lambda x: x * hardsigmoid(x)),
    "hardtanh": scaled(lambda x: x.max(-1.0).min(1.0)),
    "affine": affine,
    "swish": swish,
    "tanhsoft1": tanhsoft1,
    "srs": srs,
    "acon": acon,
    "falu": falu,
    "srelu": srelu,
    **{
        function.__name__: scaled(function)
        for function in (gelu, elu, selu, mish, tanh, softplus, logsigmoid, symlog, symexp, sigmoid, hardsigmoid)
    },
}
CODES: Mapping[str, int] = {name: code for code, name in enumerate(FORMULAS)}


def parameters(operator: str, scales: Mapping[str, Floats], channels: int) -> Floats:
    """An operator's scales as the kernels take them, held in their ranges: [channels or 1, 4].

    Args:
        operator: a name from `SCALES`.
        scales: values by name, one each or one a channel.
        channels: how many there are.
    """
    size = max((len(value) for value in scales.values()), default=1)
    table = np.zeros((channels if size > 1 else 1, 4), np.float32)
    for place, name in enumerate(SCALES[operator]):
        table[:, place] = scales[name]
    first, second = table[:, 0], table[:, 1]
    if operator == "srs":
        first[:] = np.maximum(first, np.float32(0.05))
        second[:] = np.minimum(np.maximum(second, np.float32(0.05)), np.float32(2.5) * first)
    elif operator == "falu":
        first[:] = first.clip(0, 1)
    elif operator == "srelu":
        table[:, 2] = np.maximum(table[:, 2], first)
    return table


def coded(node: Node, channels: int) -> tuple[int, Floats]:
    """The code of an activation or of an affine map, and its scales as `parameters` gives them."""
    if node.op == "affine":
        table = np.zeros((channels, 4), np.float32)
        table[:, 0], table[:, 1] = node.dense["scale"], node.dense["shift"]
        return CODES["affine"], table
    operator = node.settings["operator"]
    return CODES[operator], parameters(operator, node.dense, channels)
