"""Numbers by which the kernels know the activation operators; free of Numba."""

from collections.abc import Mapping

RELU, RELU6, HARDSWISH, GELU, ELU, SELU, MISH, TANH, HARDTANH, SOFTPLUS = range(10)
LOGSIGMOID, SYMLOG, SYMEXP, LINEAR, SWISH, TANHSOFT1, SRS, ACON, FALU, SRELU = range(10, 20)

CODES: Mapping[str, int] = {
    "relu": RELU,
    "relu6": RELU6,
    "hardswish": HARDSWISH,
    "gelu": GELU,
    "elu": ELU,
    "selu": SELU,
    "mish": MISH,
    "tanh": TANH,
    "hardtanh": HARDTANH,
    "softplus": SOFTPLUS,
    "logsigmoid": LOGSIGMOID,
    "symlog": SYMLOG,
    "symexp": SYMEXP,
    "linear": LINEAR,
    "swish": SWISH,
    "tanhsoft1": TANHSOFT1,
    "srs": SRS,
    "acon": ACON,
    "falu": FALU,
    "srelu": SRELU,
}

RISES_WITH_SIGN = frozenset({RELU, RELU6, ELU, SELU, TANH, HARDTANH, SOFTPLUS, LOGSIGMOID, SYMLOG, SYMEXP, LINEAR})


def rising(code: int) -> int:
    """When an operator never falls: 1 where alpha and beta agree in sign, 2 where both outer slopes are positive, 0 never."""
    return 1 if code in RISES_WITH_SIGN else 2 * (code == SRELU)
