"""Which modules and functions of torch are which operator, and which have none of ours."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

Parameters = Mapping[str, Any]

# attributes of the module that must have these values for it to be the operator
MODULES: Mapping[type[nn.Module], tuple[str, Parameters]] = {
    nn.ReLU: ("relu", {}),
    nn.ReLU6: ("relu6", {}),
    nn.Hardswish: ("hardswish", {}),
    nn.SiLU: ("swish", {}),
    nn.GELU: ("gelu", {"approximate": "none"}),
    nn.ELU: ("elu", {"alpha": 1.0}),
    nn.SELU: ("selu", {}),
    nn.Mish: ("mish", {}),
    nn.Tanh: ("tanh", {}),
    nn.Hardtanh: ("hardtanh", {"min_val": -1.0, "max_val": 1.0}),
    nn.Softplus: ("softplus", {"beta": 1.0, "threshold": 20.0}),
    nn.LogSigmoid: ("logsigmoid", {}),
}
WITHOUT_OPERATOR = (
    nn.PReLU, nn.LeakyReLU, nn.RReLU, nn.CELU, nn.GLU, nn.Softsign, nn.Tanhshrink, nn.Hardshrink, nn.Softshrink,
    nn.Threshold,
)  # fmt: skip

# functions by operator, with the arguments after the first that must have these values
_FUNCTIONS: Mapping[str, tuple[Sequence[str], Parameters]] = {
    "relu": (("relu", "relu_"), {}),
    "relu6": (("relu6",), {}),
    "hardswish": (("hardswish", "hardswish_"), {}),
    "swish": (("silu", "silu_"), {}),
    "gelu": (("gelu",), {"approximate": "none"}),
    "elu": (("elu", "elu_"), {"alpha": 1.0}),
    "selu": (("selu", "selu_"), {}),
    "mish": (("mish", "mish_"), {}),
    "tanh": (("tanh", "tanh_"), {}),
    "hardtanh": (("hardtanh", "hardtanh_"), {"min_val": -1.0, "max_val": 1.0}),
    "softplus": (("softplus",), {"beta": 1, "threshold": 20}),
    "logsigmoid": (("logsigmoid",), {}),
}
_WITHOUT_OPERATOR = (
    "prelu", "leaky_relu", "leaky_relu_", "rrelu", "rrelu_", "celu", "celu_", "glu", "softsign", "tanhshrink",
    "hardshrink", "softshrink", "threshold", "threshold_",
)  # fmt: skip


def _callables(name: str) -> list[Callable[..., Any]]:
    homes = (F, torch, torch.Tensor, torch._C._nn)
    return [getattr(home, name) for home in homes if hasattr(home, name)]


FUNCTIONS: Mapping[Any, tuple[str, str]] = {
    function: (name.rstrip("_"), operator)
    for operator, (names, _) in _FUNCTIONS.items()
    for name in names
    for function in _callables(name)
} | {function: (name.rstrip("_"), "") for name in _WITHOUT_OPERATOR for function in _callables(name)}


def operator_of_module(module: nn.Module) -> tuple[str | None, str]:
    """The operator that a module applies.

    Returns:
        The operator's name, or None; and why there is none, empty if the module is no activation at all.
    """
    if isinstance(module, WITHOUT_OPERATOR):
        return None, f"{type(module).__name__} has no operator here"
    if type(module) not in MODULES:
        return None, ""
    operator, needed = MODULES[type(module)]
    for name, value in needed.items():
        if getattr(module, name) != value:
            return None, f"{type(module).__name__} with {name} {getattr(module, name)} has no operator here"
    return operator, ""


def operator_of_call(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str | None, str, str]:
    """The operator that a call of a function or method applies.

    Args:
        function: what is called; a method as `torch.Tensor.relu_`.
        args: positional arguments, the tensor first.
        kwargs: arguments by name.

    Returns:
        The operator's name, or None; the function's name, empty if it is no activation; why there is no operator.
    """
    try:
        name, operator = FUNCTIONS.get(function, ("", ""))
    except TypeError:  # not hashable
        return None, "", ""
    if not name:
        return None, "", ""
    if not operator:
        return None, name, f"{name} has no operator here"
    needed = _FUNCTIONS[operator][1]
    given = {**dict(zip(needed, args[1:], strict=False)), **kwargs}
    for key, value in needed.items():
        if given.get(key, value) != value:
            return None, name, f"{name} with {key} {given[key]} has no operator here"
    return operator, name, ""


def is_inplace(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call of an activation function writes into its input."""
    name = str(getattr(function, "__name__", ""))
    flag = kwargs.get("inplace", args[-1] if len(args) > 1 and isinstance(args[-1], bool) else False)
    return name.endswith("_") or bool(flag)
