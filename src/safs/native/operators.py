"""Every activation operator on eight images at once: its value, its slope and what its scales receive.

The formulas are those of `safs.activations.operators`, to which `tests/native/test_vector_operators.py` holds them.
"""

from typing import Any

import numpy as np
from numba import njit

from safs.native.codes import (
    ACON,
    ELU,
    FALU,
    GELU,
    HARDSWISH,
    HARDTANH,
    LOGSIGMOID,
    MISH,
    RELU,
    RELU6,
    SELU,
    SOFTPLUS,
    SRELU,
    SRS,
    SWISH,
    SYMEXP,
    SYMLOG,
    TANH,
    TANHSOFT1,
)
from safs.native.vectors import (
    exponential,
    load,
    logarithm,
    magnitude,
    splat,
    store,
    total,
    where_greater,
    with_sign,
)

F = np.float32
SYMEXP_SLOPE = F(np.exp(10.0))
inlined = njit(forceinline=True)


@inlined
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + exponential(0.0 - x))


@inlined
def hyperbolic(x: Any) -> Any:
    """tanh(x)."""
    return 1.0 - 2.0 / (exponential(x + x) + 1.0)


@inlined
def softplus(x: Any) -> Any:
    """ln(1 + exp(x)), without overflow."""
    return where_greater(x, 0.0, x, 0.0) + logarithm(1.0 + exponential(0.0 - magnitude(x)))


@inlined
def normal(x: Any) -> Any:
    """Phi(x) within 1e-7 (Abramowitz and Stegun 7.1.26)."""
    z = magnitude(x) * 0.70710678
    t = 1.0 / (1.0 + 0.3275911 * z)
    tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return 0.5 + 0.5 * with_sign(1.0 - tail * exponential(0.0 - z * z), x)


@inlined
def curve(code: Any, u: Any) -> Any:
    """f(u) and f'(u) of the operators that are scaled as alpha f(beta x)."""
    zero, one = splat(F(0)), splat(F(1))
    if code == RELU:
        return where_greater(u, 0.0, u, where_greater(0.0, u, 0.0, u)), where_greater(u, 0.0, 1.0, 0.0)
    if code == RELU6:
        f = where_greater(u, 6.0, 6.0, where_greater(0.0, u, 0.0, u))
        return f, where_greater(u, 0.0, where_greater(6.0, u, 1.0, 0.0), 0.0)
    if code == HARDSWISH:
        gate = where_greater(u, 3.0, 6.0, where_greater(-3.0, u, 0.0, u + 3.0)) * 0.16666667
        inside = where_greater(-3.0, u, 0.0, u * 0.33333333 + 0.5)
        return u * gate, where_greater(u, 3.0, 1.0, inside)
    if code == GELU:
        share = normal(u)
        return u * share, share + u * 0.39894228 * exponential(-0.5 * (u * u))
    if code == ELU:
        e = exponential(where_greater(u, 0.0, 0.0, u))
        return where_greater(u, 0.0, u, e - 1.0), where_greater(u, 0.0, 1.0, e)
    if code == SELU:
        e = exponential(where_greater(u, 0.0, 0.0, u)) * 1.7580993
        return where_greater(u, 0.0, u * 1.0507010, e - 1.7580993), where_greater(u, 0.0, 1.0507010, e)
    if code == MISH:
        e = exponential(where_greater(u, 20.0, 20.0, u))
        w = e * (e + 2.0)
        share = 1.0 / (w + 2.0)
        t = w * share
        return u * t, t + u * (4.0 * e * (e + 1.0)) * (share * share)
    if code == TANH:
        t = hyperbolic(u)
        return t, 1.0 - t * t
    if code == HARDTANH:
        f = where_greater(u, 1.0, 1.0, where_greater(-1.0, u, -1.0, u))
        return f, where_greater(u, -1.0, where_greater(1.0, u, 1.0, 0.0), 0.0)
    if code == SOFTPLUS:
        return softplus(u), sigmoid(u)
    if code == LOGSIGMOID:
        return 0.0 - softplus(0.0 - u), sigmoid(0.0 - u)
    if code == SYMLOG:
        size = 1.0 + magnitude(u)
        return with_sign(logarithm(size), u), one / size
    if code == SYMEXP:
        size = magnitude(u)
        near = where_greater(size, 10.0, 10.0, size)
        e = exponential(near)
        slope = where_greater(size, 10.0, SYMEXP_SLOPE, e)
        return with_sign(e - 1.0 + SYMEXP_SLOPE * (size - near), u), slope
    return u + zero, one


@inlined
def apply(code: Any, x: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """An operator's value, its slope in x, and its slopes in the scales a to d (in the order of their names)."""
    zero = splat(F(0))
    if code == SWISH:
        s = sigmoid(b * x)
        bent = x * s * (1.0 - s)
        return a * x * s, a * (s + b * bent), x * s, a * (x * bent), zero, zero
    if code == TANHSOFT1:
        t = hyperbolic(a * x)
        plus = softplus(b * x)
        bent = 1.0 - t * t
        rise = t * sigmoid(b * x)
        return t * plus, a * (bent * plus) + b * rise, bent * plus * x, rise * x, zero, zero
    if code == SRS:
        alpha = max(a, F(0.05))
        free = max(b, F(0.05))
        beta = min(free, F(2.5) * alpha)
        e = exponential((0.0 - magnitude(x)) * (F(1) / beta))
        top = x * where_greater(0.0, x, e, 1.0)
        share = 1.0 / where_greater(0.0, x, top * (F(1) / alpha) + 1.0, top * (F(1) / alpha) + e)
        f = top * share
        to_alpha = f * f * (F(1) / (alpha * alpha))
        to_beta = (0.0 - x * x * e * (F(1) / (beta * beta))) * (share * share)
        slope = e * (1.0 + x * (F(1) / beta)) * (share * share)
        if free > F(2.5) * alpha:  # beta hangs on alpha
            to_alpha = to_alpha + 2.5 * to_beta
            to_beta = zero
        if a < F(0.05):
            to_alpha = zero
        if b < F(0.05):
            to_beta = zero
        return f, slope, to_alpha, to_beta, zero, zero
    if code == ACON:
        difference = (a - b) * x
        s = sigmoid(c * difference)
        bent = difference * s * (1.0 - s)
        g = s + c * bent
        return difference * s + b * x, (a - b) * g + b, g * x, x - g * x, difference * bent, zero
    if code == FALU:
        order = min(max(a, F(0)), F(1))
        s = sigmoid(b * x)
        bent = s * (1.0 - s)
        w = x * s
        outside = F(1) if order == a else F(0)
        slope_w = s + b * (x * bent)
        slope = slope_w + order * (b * bent * (1.0 - w) - s * slope_w)
        to_beta = x * (x * bent) + order * (x * bent * (1.0 - w) - s * (x * (x * bent)))
        return w + order * (s * (1.0 - w)), slope, outside * (s * (1.0 - w)), to_beta, zero, zero
    if code == SRELU:
        upper = max(c, a)
        low = where_greater(a, x, x - a, 0.0)
        high = where_greater(x, upper, x - upper, 0.0)
        below = where_greater(a, x, 1.0, 0.0)
        above = where_greater(x, upper, 1.0, 0.0)
        pushed = F(1) if a > c else F(0)  # the upper threshold hangs on the lower one
        left, right = (F(1) - b) * below, (F(1) - d) * above
        f = x - low - high + b * low + d * high
        return f, 1.0 - left - right, left + pushed * right, low, (F(1) - pushed) * right, high
    f, slope = curve(code, b * x)
    return a * f, (a * b) * slope, f, a * x * slope, zero, zero


@njit(error_model="numpy")
def activate(code: Any, arena: Any, source: Any, target: Any, count: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Apply an operator to `count` vectors of the arena from `source` on, into `target`."""
    for i in range(count):
        store(arena, target + 8 * i, apply(code, load(arena, source + 8 * i), a, b, c, d)[0])


@njit(error_model="numpy")
def differentiate(code: Any, arena: Any, source: Any, slope: Any, count: Any, scales: Any, received: Any) -> Any:
    """Turn gradients of values (at `slope`) into those of inputs (read at `source`), in place.

    What the four scales of `scales` [4] receive is added to `received` [4].
    """
    a, b, c, d = scales[0], scales[1], scales[2], scales[3]
    s0, s1, s2, s3 = splat(F(0)), splat(F(0)), splat(F(0)), splat(F(0))
    for i in range(count):
        g = load(arena, slope + 8 * i)
        _, dx, d0, d1, d2, d3 = apply(code, load(arena, source + 8 * i), a, b, c, d)
        store(arena, slope + 8 * i, g * dx)
        s0, s1, s2, s3 = s0 + g * d0, s1 + g * d1, s2 + g * d2, s3 + g * d3
    received[0] += total(s0)
    received[1] += total(s1)
    received[2] += total(s2)
    received[3] += total(s3)
