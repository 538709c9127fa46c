"""What every search strategy must do, and what `Distinct` makes of any."""

import random
from collections.abc import Callable
from itertools import product

import pytest

from safs.errors import SafsError
from safs.searching.distinct import Distinct
from safs.searching.strategies import STRATEGIES, make_strategy
from safs.searching.strategy import Candidate

OPERATORS = ("relu", "tanh", "swish", "elu", "gelu")
OPTIMUM = ("tanh", "gelu", "elu", "tanh")


def matches(candidate: Candidate) -> float:
    """A simple landscape: the share of layers that have the best operator."""
    return sum(a == b for a, b in zip(candidate, OPTIMUM, strict=True)) / len(OPTIMUM)


def rough(candidate: Candidate) -> float:
    return random.Random("-".join(candidate)).random()


def walk(
    name: str, steps: int, score: Callable[[Candidate], float] = matches, seed: int = 0, batch: int = 1
) -> list[Candidate]:
    """The candidates of a search that asks for `batch` at a time and tells their scores in the order of asking."""
    strategy = Distinct(make_strategy(name, ("relu",) * 4, OPERATORS, seed), 4, OPERATORS, seed)
    path: list[Candidate] = []
    while len(path) < steps:
        asked = [c for c in (strategy.ask() for _ in range(min(batch, steps - len(path)))) if c is not None]
        if not asked:
            break
        for candidate in asked:
            strategy.tell(candidate, score(candidate))
        path += asked
    return path


@pytest.mark.parametrize("name", STRATEGIES)
class TestEveryStrategy:
    @pytest.mark.parametrize("batch", [1, 4])
    def test_the_same_seed_gives_the_same_candidates(self, name: str, batch: int):
        one, two, other = (walk(name, 30, rough, seed, batch) for seed in (5, 5, 6))
        assert one == two
        assert one != other

    def test_the_global_generator_has_no_say(self, name: str):
        random.seed(1)
        one = walk(name, 15, rough)
        random.seed(2)
        assert walk(name, 15, rough) == one

    def test_only_known_operators_are_proposed_and_none_twice(self, name: str):
        path = walk(name, 60, rough, batch=3)
        assert len(set(path)) == len(path) == 60
        assert all(len(candidate) == 4 and set(candidate) <= set(OPERATORS) for candidate in path)

    @pytest.mark.parametrize("start", [("relu", "tanh", "gelu", "elu"), ("mish",) * 4])
    def test_the_start_comes_first_even_if_it_is_not_to_choose_from(self, name: str, start: Candidate):
        strategy = make_strategy(name, start, OPERATORS, 0)
        assert strategy.ask() == start
        strategy.tell(start, 0.5)
        for _ in range(20):
            candidate = strategy.ask()
            assert candidate is not None
            assert set(candidate) <= set(OPERATORS) | set(start)
            strategy.tell(candidate, rough(candidate))

    def test_scores_that_were_not_asked_for_are_taken(self, name: str):
        strategy = make_strategy(name, ("relu",) * 4, OPERATORS, 0)
        strategy.tell(OPTIMUM, 1.0)
        assert strategy.ask() == ("relu",) * 4
        strategy.tell(("mish",) * 4, 0.1)
        assert strategy.ask() is not None

    @pytest.mark.parametrize("seed", range(3))
    def test_it_improves_on_a_simple_landscape(self, name: str, seed: int):
        path = walk(name, 80, seed=seed)
        assert matches(path[0]) == 0
        assert max(map(matches, path)) >= (0.5 if name == "random" else 0.75)

    def test_a_small_space_is_exhausted_and_then_ends(self, name: str):
        strategy = Distinct(make_strategy(name, ("relu", "relu"), ("relu", "tanh", "elu"), 0), 2, OPERATORS[:2], 0)
        seen = set()
        for _ in range(100):
            candidate = strategy.ask()
            if candidate is None:
                break
            seen.add(candidate)
            strategy.tell(candidate, 0.0)
        assert strategy.ask() is None
        assert set(product(OPERATORS[:2], repeat=2)) <= seen

    def test_nothing_to_search_is_refused(self, name: str):
        with pytest.raises(SafsError, match="no activation site"):
            make_strategy(name, (), OPERATORS, 0)
        with pytest.raises(SafsError, match="at least 2 operators"):
            make_strategy(name, ("relu",), ("tanh", "tanh"), 0)


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "random"])
def test_scores_decide_what_is_proposed(name: str):
    upside_down = walk(name, 60, lambda candidate: -matches(candidate))
    assert sum(map(matches, walk(name, 60))) > sum(map(matches, upside_down)) + 3


def test_an_unknown_strategy_is_refused():
    with pytest.raises(SafsError, match="unknown strategy 'anealing'; did you mean 'annealing'"):
        make_strategy("anealing", ("relu",), OPERATORS, 0)


class Stubborn:
    """Proposes one candidate for ever."""

    def __init__(self) -> None:
        self.told: list[tuple[Candidate, float]] = []

    def ask(self) -> Candidate:
        return ("relu", "relu")

    def tell(self, candidate: Candidate, score: float) -> None:
        self.told.append((candidate, score))


def test_a_strategy_that_repeats_itself_is_told_the_known_score_and_does_not_loop_for_ever():
    stubborn = Stubborn()
    strategy = Distinct(stubborn, 2, ("relu", "tanh"), 0)
    path = []
    while (candidate := strategy.ask()) is not None:
        strategy.tell(candidate, float(len(path)))
        path.append(candidate)
    assert path[0] == ("relu", "relu")
    assert sorted(path) == sorted(product(("relu", "tanh"), repeat=2))
    assert stubborn.told[:3] == [(("relu", "relu"), 0.0)] * 3


def test_candidates_that_are_asked_for_and_not_yet_told_are_not_proposed_again():
    strategy = Distinct(Stubborn(), 2, ("relu", "tanh"), 0)
    asked = [strategy.ask() for _ in range(5)]
    assert asked[0] == ("relu", "relu")
    assert asked[4] is None
    assert len(set(asked)) == 5
