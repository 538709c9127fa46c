"""Elementary functions on vectors of floats.

Powers and logarithms are polynomials on a small range, the rest is done by exponents. The polynomials are minimax fits: EXP of
(2^f - 1) / f for |f| <= 1/2, with a relative error of 2^f of 1.1e-7; LOG1P of ln(1 + x) / x for 0 <= x <= 1, 1.9e-7; and LOG of
what is left of ln(1 + f) after f - f^2 / 2, over f^3, for 1 + f from sqrt(1/2) to sqrt(2), 3e-8.
"""

from safs.runtime.lanes import Lanes

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
SQRT_HALF_BITS = 0x3F3504F3


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
    """The error function as a quotient of polynomials with the coefficients of the Eigen library, within 3e-7."""
    x = x.max(-4.0).min(4.0)
    square = x * x
    return x * square.polynomial(ERF_ABOVE) / square.polynomial(ERF_BELOW)


def softplus(x: Lanes) -> Lanes:
    """ln(1 + exp(x))."""
    return x.max(0.0) + log1p_of_share(exp(x.negative()))
