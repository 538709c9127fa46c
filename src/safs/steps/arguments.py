"""Types of step arguments with their rules, and the one place that checks them."""

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_type_hints

from annotated_types import Ge, Gt, Le, Lt, MinLen
from docstring_parser import parse
from pydantic import AfterValidator, AllowInfNan, TypeAdapter, ValidationError

from safs.errors import SafsError, unknown

Sparsity = Annotated[float, Ge(0), Lt(1)]
Fraction = Annotated[float, Ge(0), Le(1)]
Part = Annotated[float, Ge(0), Lt(1)]
Count = Annotated[int, Ge(1)]
Natural = Annotated[int, Ge(0)]
Rate = Annotated[float, Gt(0), AllowInfNan(False)]
Decay = Annotated[float, Ge(0), AllowInfNan(False)]
Amount = Annotated[float, Ge(0), AllowInfNan(False)]


def all_different(values: list[Any]) -> list[Any]:
    """The values, if none stands twice.

    Raises:
        ValueError: one does.
    """
    if len(set(values)) < len(values):
        raise ValueError("each value may stand only once")
    return values


Seeds = Annotated[list[Natural], MinLen(1), AfterValidator(all_different)]

Step = Callable[..., dict[str, Any]]


def step_parameters(step: Step) -> dict[str, inspect.Parameter]:
    """A step's parameters but for the context it is handed, their annotations resolved."""
    hints = get_type_hints(step, include_extras=True)
    parameters = inspect.signature(step).parameters
    return {
        name: parameter.replace(annotation=hints[name]) for name, parameter in parameters.items() if name != "context"
    }


def parameter_docs(function: Callable[..., Any]) -> dict[str, str]:
    """What a function's docstring says of each of its parameters."""
    parsed = parse(inspect.getdoc(function) or "")
    return {entry.arg_name: " ".join((entry.description or "").split()) for entry in parsed.params}


def check_arguments(
    parameters: Mapping[str, inspect.Parameter], arguments: Mapping[str, Any], docs: Mapping[str, str]
) -> dict[str, Any]:
    """Bring arguments to their types and check them against the rules.

    Args:
        parameters: the parameters, by name.
        arguments: the values, by name; missing ones take their defaults.
        docs: what each parameter means, for the error.

    Raises:
        SafsError: a value breaks its rule, an argument is unknown or missing.
    """
    for name in arguments:
        if name not in parameters:
            raise unknown("parameter", name, parameters)
    checked = {}
    for name, parameter in parameters.items():
        if name not in arguments and parameter.default is inspect.Parameter.empty:
            raise SafsError(f"parameter {name} is missing: {docs.get(name, '')}")
        value = arguments.get(name, parameter.default)
        try:
            checked[name] = TypeAdapter(parameter.annotation).validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            rule = first["msg"].removeprefix("Value error, ")
            rule = rule[0].lower() + rule[1:]
            raise SafsError(f"{name} is {first['input']!r}: {rule} ({docs.get(name, '')})") from None
    return checked
