"""What every search strategy is: something to ask for candidates and to tell their scores."""

from collections.abc import Sequence
from typing import Protocol

from safs.errors import SafsError

Candidate = tuple[str, ...]  # one operator a site, in the order of the sites


class Strategy(Protocol):
    """Proposes candidates and learns from their scores.

    A strategy may be asked several times before it is told, may be told scores of candidates it never proposed (warm
    start) and may propose a candidate twice; `Distinct` takes care that none is evaluated twice.
    """

    def ask(self) -> Candidate | None:
        """The next candidate to try, the start first; None when there is nothing left to propose."""

    def tell(self, candidate: Candidate, score: float) -> object:
        """Take note of a candidate's score; the larger, the better."""


def check_space(start: Candidate, operators: Sequence[str]) -> tuple[str, ...]:
    """The operators without repetition.

    Raises:
        SafsError: there is no layer, or nothing to choose from.
    """
    if not start:
        raise SafsError("the model has no activation site, so there is nothing to search")
    if len(set(operators)) < 2:
        raise SafsError(f"the search needs at least 2 operators to choose from, not {list(operators)}")
    return tuple(dict.fromkeys(operators))
