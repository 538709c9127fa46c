"""Errors a user can act on: each names the value, the rule and, where there is one, the nearest match."""

from collections.abc import Iterable
from difflib import get_close_matches


class SafsError(Exception):
    """A mistake in the input or the surroundings; shown as one line, never as a traceback."""


class NotCoveredError(SafsError):
    """What a form for production cannot hold: there is nothing wrong with the model, and the form torch holds it."""


def unknown(kind: str, value: str, allowed: Iterable[str]) -> SafsError:
    """The error for a name that is not in a list of names.

    Example:
        >>> str(unknown("data set", "digit", ["digits", "mnist"]))
        "unknown data set 'digit'; did you mean 'digits'? It is one of digits, mnist"
    """
    names = sorted(allowed)
    near = get_close_matches(value, names, n=1)
    hint = f"; did you mean {near[0]!r}? It" if near else "; it"
    return SafsError(f"unknown {kind} {value!r}{hint} is one of {', '.join(names)}")
