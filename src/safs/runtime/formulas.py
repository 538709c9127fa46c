"""The activations as formulas on vectors of floats; the same functions as in `safs.activations.operators`.

Powers and logarithms are polynomials on a small range, the rest is done by exponents. The polynomials are minimax fits: EXP of
(2^f - 1) / f for |f| <= 1/2, with a relative error of 2^f of 1.1e-7; LOG1P of ln(1 + x) / x for 0 <= x <= 1, 1.9e-7; and LOG of
what is left of ln(1 + f) after f - f^2 / 2, over f^3, for 1 + f from sqrt(1/2) to sqrt(2), 3e-8.
"""

from collections.abc import Callable, Mapping

import numpy as np

from safs.runtime.lanes import Lanes
from safs.runtime.network import Floats
from safs.runtime.rules import SCALES

EXP = (1.3300264205e-3, 9.6697084209e-3, 5.5505599942e-2, 2.4022281607e-1, 6.9314718056e-1)
LOG1P = (
    *(-8.5392491695e-3, 4.4089759081e-2, -1.0768186392e-1, 1.7745249741e-1),
    *(-2.4495464839e-1, 3.3275479900e-1, -4.9997405381e-1, 9.9999980566e-1),
)
LOG = (
    *(8.7001190546e-2, -1.4267296077e-1, 1.4914785523e-1, -1.6577609813e-1, 1.9963065590e-1),
    *(-2.5001336308e-1, 3.3333910663e-1),
)
ERF_ABOVE = (
    *(-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05),
    *(-7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02),
)
ERF_BELOW = (
    *(-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03),
    -1.42647390514189e-02,
)
ROUND = 12582912.0 + 127  # 1.5 * 2^23: adding it rounds to a whole number, whose last bits are an exponent's
SMALLEST = -88.03  # exp below is 0, as 2^-127 has no bits here; beyond 88 it would be infinite
LOG2_E, LN_2 = 1.44269504088896341, 0.69314718055994531
SYMEXP_LIMIT, SYMEXP_SLOPE = 10.0, float(np.exp(10.0))
SQRT_HALF_BITS = 0x3F3504F3

Formula = Callable[[Lanes, Lanes, Lanes, Lanes, Lanes], Lanes]


def _powers(x: Lanes, factor: float = 1.0) -> tuple[Lanes, Lanes, Lanes]:
    """2^n, f and (2^f - 1) / f with factor x = (n + f) ln 2, for factor x from `SMALLEST` to 88."""
    rounded = x.fma(factor * LOG2_E, ROUND)
    f = x.fma(factor * LOG2_E, ROUND - rounded)
    power = x.from_bits(x.builder.shl(rounded.bits(), x.whole(23)))
    return power, f, f.polynomial(EXP)


def exp(x: Lanes) -> Lanes:
    """E to the x for x up to 88; 0 below -88."""
    power, f, slope = _powers(x.max(SMALLEST))
    return (power * f).fma(slope, power)


def expm1(x: Lanes, factor: float = 1.0) -> Lanes:
    """exp(factor x) - 1 for factor x from -88 to 88, exact near 0."""
    power, f, slope = _powers(x, factor)
    return (power * f).fma(slope, power - 1.0)


def log1p(x: Lanes) -> Lanes:
    """ln(1 + x) for x >= 0, exact near 0."""
    builder = x.builder
    exponent = builder.ashr(builder.sub((x + 1.0).bits(), x.whole(SQRT_HALF_BITS)), x.whole(23))
    scale = x.from_bits(builder.sub(x.whole(129 << 23), builder.shl(exponent, x.whole(23))))
    # (1 + x) / 2^exponent - 1, rounded once; by 4 / 2^exponent, as 2^-128 is no float
    f = x.fma(scale, scale - 4.0) * 0.25
    e = Lanes(builder, builder.sitofp(exponent, x.value.type))
    return e.fma(LN_2, (f * f).fma(f.polynomial(LOG).fma(f, -0.5), f))


def log1p_of_share(x: Lanes) -> Lanes:
    """ln(1 + x) for 0 <= x <= 1."""
    return x * x.polynomial(LOG1P)


def sigmoid(x: Lanes) -> Lanes:
    """1 / (1 + exp(-x)), by exp of what is negative, so that it falls to 0."""
    e = exp(x.negative())
    return x.where_positive(1.0, e) / (e + 1.0)


def tanh(x: Lanes) -> Lanes:
    """By expm1, so that it is exact near 0."""
    t = expm1(x.abs().min(10.0), 2.0)
    return (t / (t + 2.0)).signed_like(x)


def erf(x: Lanes) -> Lanes:
    """The error function as a quotient of polynomials, within 3e-7."""
    x = x.max(-4.0).min(4.0)
    square = x * x
    return x * square.polynomial(ERF_ABOVE) / square.polynomial(ERF_BELOW)


def softplus(x: Lanes) -> Lanes:
    """ln(1 + exp(x))."""
    return x.max(0.0) + log1p_of_share(exp(x.negative()))


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
