"""Activation operators and the sites that apply them."""

from safs.activations.module import Activation, activation_sites, scale_parameters, set_activations
from safs.activations.operators import OPERATORS, Operator, operator_named

__all__ = [
    "OPERATORS",
    "Activation",
    "Operator",
    "activation_sites",
    "operator_named",
    "scale_parameters",
    "set_activations",
]
