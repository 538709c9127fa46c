"""The registry of strategies: adding one is one entry."""

from collections.abc import Callable, Mapping

from safs.errors import unknown
from safs.searching.annealing import Annealing
from safs.searching.genetic import Genetic
from safs.searching.hill_climbing import LateAcceptance
from safs.searching.random_search import RandomSearch
from safs.searching.strategy import Candidate, Strategy
from safs.searching.tpe import Tpe

# (start, operators, seed, history): history is late acceptance's own
STRATEGIES: Mapping[str, Callable[[Candidate, tuple[str, ...], int, int], Strategy]] = {
    "late-acceptance": lambda start, operators, seed, history: LateAcceptance[float](start, operators, history, seed),
    "annealing": lambda start, operators, seed, _: Annealing(start, operators, seed),
    "genetic": lambda start, operators, seed, _: Genetic(start, operators, seed),
    "random": lambda start, operators, seed, _: RandomSearch(start, operators, seed),
    "tpe": lambda start, operators, seed, _: Tpe(start, operators, seed),
}


def make_strategy(name: str, start: Candidate, operators: tuple[str, ...], seed: int, history: int = 3) -> Strategy:
    """The strategy of a name.

    Args:
        name: a name from `STRATEGIES`.
        start: the operators to begin with, one a layer.
        operators: what a layer can be given, at least 2.
        seed: the same seed, and the same scores, give the same candidates.
        history: how many steps back late acceptance compares with; others have no use for it.

    Raises:
        SafsError: no strategy has that name, there is no layer, or nothing to choose from.
    """
    if name not in STRATEGIES:
        raise unknown("strategy", name, STRATEGIES)
    return STRATEGIES[name](start, operators, seed, history)
