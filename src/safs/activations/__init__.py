"""Activation operators and the sites that apply them; imported when used, so that `types` is free of torch."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safs.activations.expose import exclude_sites, expose_sites, original_operators, unseen
    from safs.activations.module import Activation, activation_sites, scale_parameters, set_activations
    from safs.activations.operators import OPERATORS, Operator, operator_named
    from safs.activations.types import Scales

_HOMES = {
    "exclude_sites": "expose",
    "expose_sites": "expose",
    "original_operators": "expose",
    "unseen": "expose",
    "Activation": "module",
    "activation_sites": "module",
    "scale_parameters": "module",
    "set_activations": "module",
    "OPERATORS": "operators",
    "Operator": "operators",
    "operator_named": "operators",
    "Scales": "types",
}

__all__ = [
    "OPERATORS",
    "Activation",
    "Operator",
    "Scales",
    "activation_sites",
    "exclude_sites",
    "expose_sites",
    "operator_named",
    "original_operators",
    "scale_parameters",
    "set_activations",
    "unseen",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for from its file."""
    if name not in _HOMES:
        raise AttributeError(f"module 'safs.activations' has no attribute {name!r}")
    return getattr(import_module(f"safs.activations.{_HOMES[name]}"), name)
