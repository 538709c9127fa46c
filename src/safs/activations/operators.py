"""The activation operators that a search can choose from, each one entry of `OPERATORS`.

Unless its formula says otherwise an operator `f` is scaled as `alpha * f(beta * x)` (SAFS, arXiv:2305.10964).
Every operator is finite, forward and backward, for inputs from -1e4 to 1e4.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from safs.errors import unknown

Scale = float | Tensor
SYMEXP_LIMIT = 10.0  # exp(10) = 22,026: beyond it symexp goes on as a straight line
SYMEXP_SLOPE = float(torch.exp(torch.tensor(SYMEXP_LIMIT)))


@dataclass(frozen=True)
class Operator:
    """An activation function and what can be learnt of it.

    Attributes:
        name: how models, journals and the command line call it.
        formula: f(x) in plain text.
        source: where it was published.
        function: maps x of any shape, and the scales by name, to a tensor of x's shape.
        scales: the learnable scalars and their initial values.
    """

    name: str
    formula: str
    source: str
    function: Callable[..., Tensor]
    scales: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({"alpha": 1.0, "beta": 1.0}))

    def __reduce__(self) -> tuple[Callable[[str], "Operator"], tuple[str]]:
        return operator_named, (self.name,)  # a copy of a model has the same operators


def beside(x: Tensor, scale: Scale) -> Tensor:
    """A scale as a tensor like x; a constant is made where x is, for a copy from the CPU would wait for the GPU."""
    return scale.to(x) if isinstance(scale, Tensor) else x.new_full((), scale)


def scaled(function: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Turn f(x) into alpha * f(beta * x); a scale of exactly 1.0 costs nothing."""

    def apply(x: Tensor, alpha: Scale = 1.0, beta: Scale = 1.0) -> Tensor:
        inner = x if isinstance(beta, float) and beta == 1.0 else beta * x
        outer = function(inner)
        return outer if isinstance(alpha, float) and alpha == 1.0 else alpha * outer

    return apply


def swish(x: Tensor, alpha: Scale = 1.0, beta: Scale = 1.0) -> Tensor:
    """Alpha x sigmoid(beta x)."""
    value = F.silu(x) if isinstance(beta, float) and beta == 1.0 else x * torch.sigmoid(beta * x)
    return value if isinstance(alpha, float) and alpha == 1.0 else alpha * value


def halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """max(0, x) and min(0, x), the first with gradient 1 at zero, where clamp() has none."""
    zero = torch.zeros_like(x)
    return torch.where(x >= 0, x, zero), torch.where(x >= 0, zero, x)


def symlog(x: Tensor) -> Tensor:
    """sign(x) ln(|x| + 1), with the gradient 1 at zero that sign() would lose."""
    positive, negative = halves(x)
    return torch.log1p(positive) - torch.log1p(-negative)


def symexp(x: Tensor) -> Tensor:
    """sign(x) (exp|x| - 1) up to |x| = 10, then the tangent, so that nothing overflows."""
    near = x.clamp(-SYMEXP_LIMIT, SYMEXP_LIMIT)
    positive, negative = halves(near)
    curve = torch.expm1(positive) - torch.expm1(-negative)
    return curve + SYMEXP_SLOPE * (x - near)


def tanhsoft(x: Tensor, alpha: Scale = 1.0, beta: Scale = 1.0) -> Tensor:
    """tanh(alpha x) softplus(beta x)."""
    return torch.tanh(alpha * x) * F.softplus(beta * x)


def srs(x: Tensor, alpha: Scale = 1.0, beta: Scale = 1.0) -> Tensor:
    """X / (x / alpha + exp(-x / beta)), its scales held where the denominator has no zero.

    The denominator's minimum is (beta / alpha) (1 - ln(beta / alpha)), which is positive for beta < e alpha.
    For x < 0 both parts are multiplied by exp(x / beta), which cannot overflow there.
    """
    alpha, beta = beside(x, alpha).clamp(min=0.05), beside(x, beta).clamp(min=0.05)
    beta = torch.minimum(beta, 2.5 * alpha)
    positive, negative = halves(x)
    right = positive / (positive / alpha + torch.exp(-positive / beta))
    decay = torch.exp(negative / beta)
    left = negative * decay / (negative * decay / alpha + 1)
    return torch.where(x >= 0, right, left)


def acon(x: Tensor, p1: Scale = 1.0, p2: Scale = 0.25, beta: Scale = 1.0) -> Tensor:
    """(p1 - p2) x sigmoid(beta (p1 - p2) x) + p2 x; p1 and p2 start apart, or it would be linear."""
    difference = (p1 - p2) * x
    return difference * torch.sigmoid(beta * difference) + p2 * x


def falu(x: Tensor, alpha: Scale = 0.5, beta: Scale = 1.0) -> Tensor:
    """G + alpha sigmoid(beta x) (1 - g) with g = x sigmoid(beta x) and alpha held in [0, 1]."""
    order = beside(x, alpha).clamp(0, 1)
    gate = torch.sigmoid(beta * x)
    swished = x * gate
    return swished + order * gate * (1 - swished)


def srelu(x: Tensor, t_l: Scale = 0.0, a_l: Scale = 0.2, t_r: Scale = 1.0, a_r: Scale = 1.0) -> Tensor:
    """X between two thresholds, straight lines of slope a_l and a_r outside of them."""
    lower = beside(x, t_l)
    upper = torch.maximum(beside(x, t_r), lower)
    middle = torch.minimum(torch.maximum(x, lower), upper)
    return middle + a_l * torch.minimum(x - lower, torch.zeros_like(x)) + a_r * torch.relu(x - upper)


_TANHSOFT_SOURCE = "Biswas et al. 2020, arXiv:2009.03863"

OPERATORS: Mapping[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator("relu", "max(0, x)", "Nair and Hinton 2010", scaled(torch.relu)),
        Operator("relu6", "min(max(0, x), 6)", "Krizhevsky 2010", scaled(F.relu6)),
        Operator("hardswish", "x relu6(x + 3) / 6", "Howard et al. 2019, arXiv:1905.02244", scaled(F.hardswish)),
        Operator("swish", "alpha x sigmoid(beta x)", "Ramachandran et al. 2017, arXiv:1710.05941", swish),
        Operator("gelu", "x Phi(x)", "Hendrycks and Gimpel 2016, arXiv:1606.08415", scaled(F.gelu)),
        Operator("elu", "x if x > 0 else exp(x) - 1", "Clevert et al. 2015, arXiv:1511.07289", scaled(F.elu)),
        Operator("selu", "1.0507 (x if x > 0 else 1.6733 (exp(x) - 1))", "arXiv:1706.02515", scaled(F.selu)),
        Operator("mish", "x tanh(softplus(x))", "Misra 2019, arXiv:1908.08681", scaled(F.mish)),
        Operator("tanh", "tanh(x)", "LeCun et al. 1998", scaled(torch.tanh)),
        Operator("hardtanh", "min(max(-1, x), 1)", "Collobert 2004", scaled(F.hardtanh)),
        Operator("softplus", "ln(1 + exp(x))", "Dugas et al. 2000", scaled(F.softplus)),
        Operator("logsigmoid", "-ln(1 + exp(-x))", "SAFS, arXiv:2305.10964", scaled(F.logsigmoid)),
        Operator("symlog", "sign(x) ln(|x| + 1)", "SAFS, arXiv:2305.10964", scaled(symlog)),
        Operator("symexp", "sign(x) (exp|x| - 1)", "SAFS, arXiv:2305.10964", scaled(symexp)),
        Operator("tanhsoft1", "tanh(alpha x) softplus(beta x)", _TANHSOFT_SOURCE, tanhsoft),
        Operator("srs", "x / (x / alpha + exp(-x / beta))", "Zhou et al. 2020, arXiv:2003.09855", srs),
        Operator(
            "acon",
            "(p1 - p2) x sigmoid(beta (p1 - p2) x) + p2 x",
            "ACON-C, Ma et al. 2020, arXiv:2009.04759",
            acon,
            MappingProxyType({"p1": 1.0, "p2": 0.25, "beta": 1.0}),
        ),
        Operator(
            "falu",
            "g + alpha sigmoid(beta x) (1 - g), g = x sigmoid(beta x)",
            "Zamora et al. 2022, fractional adaptive linear unit",
            falu,
            MappingProxyType({"alpha": 0.5, "beta": 1.0}),
        ),
        Operator(
            "srelu",
            "x in [t_l, t_r], slope a_l below and a_r above",
            "Jin et al. 2015, arXiv:1512.07030",
            srelu,
            MappingProxyType({"t_l": 0.0, "a_l": 0.2, "t_r": 1.0, "a_r": 1.0}),
        ),
        Operator("linear", "x", "identity", scaled(lambda x: x)),
    )
}


def operator_named(name: str) -> Operator:
    """Look an operator up.

    Raises:
        SafsError: there is none of that name.
    """
    if name not in OPERATORS:
        raise unknown("activation operator", name, OPERATORS)
    return OPERATORS[name]
