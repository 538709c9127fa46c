import doctest
import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import safs.searching.hill_climbing
from safs.errors import SafsError
from safs.searching.hill_climbing import Candidate, LateAcceptance

OPERATORS = ("relu", "tanh", "swish", "elu", "gelu")
SCORES = st.lists(st.integers(0, 6), min_size=1, max_size=40)


def climb(score: Callable[[Candidate], float], steps: int, layers: int = 4, history: int = 3, seed: int = 0):
    """Every candidate of a climb with its score and whether it was accepted, and the climber."""
    climber: LateAcceptance[float] = LateAcceptance(("relu",) * layers, OPERATORS, history, seed)
    path = []
    for _ in range(steps):
        candidate = climber.ask()
        value = score(candidate)
        path.append((candidate, value, climber.tell(candidate, value)))
    return path, climber


def rough(candidate: Candidate) -> float:
    """A score without structure that depends on the candidate alone."""
    return random.Random("-".join(candidate)).random()


@given(SCORES, st.integers(1, 7))
def test_candidates_are_accepted_as_the_rule_says(scores: list[int], history: int):
    climber: LateAcceptance[int] = LateAcceptance(("relu",) * 3, OPERATORS, history, seed=0)
    currents = [scores[0]]  # the score held after the start, after step 1, ...
    climber.tell(climber.ask(), scores[0])
    for score in scores[1:]:
        earlier = currents[-history] if len(currents) >= history else currents[0]
        expected = score >= currents[-1] or score >= earlier
        candidate = climber.ask()
        assert climber.tell(candidate, score) is expected
        currents.append(score if expected else currents[-1])
        assert climber.current is not None
        assert climber.current[1] == currents[-1]
        if expected:
            assert climber.current[0] == candidate


@given(SCORES)
def test_history_one_is_plain_hill_climbing(scores: list[int]):
    climber: LateAcceptance[int] = LateAcceptance(("relu",) * 3, OPERATORS, 1, seed=0)
    current = -1
    for score in scores:
        assert climber.tell(climber.ask(), score) is (score >= current)
        current = max(score, current)


def test_a_longer_history_accepts_a_worse_candidate():
    for history, expected in ((1, False), (3, True)):
        climber: LateAcceptance[int] = LateAcceptance(("relu", "relu"), OPERATORS, history, seed=0)
        for score in (5, 7):
            climber.tell(climber.ask(), score)
        assert climber.tell(climber.ask(), 6) is expected


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_gives_the_same_candidates(seed: int):
    one, two, other = (climb(rough, 30, seed=s)[0] for s in (seed, seed, seed + 100))
    assert one == two
    assert one != other


def test_the_global_generator_has_no_say():
    random.seed(1)
    one = climb(rough, 20)[0]
    before = random.getstate()
    random.seed(2)
    two = climb(rough, 20)[0]
    random.seed(1)
    assert one == two
    assert random.getstate() == before


@given(SCORES, st.integers(1, 5))
def test_the_best_never_gets_worse_and_is_the_first_of_the_best(scores: list[int], history: int):
    climber: LateAcceptance[int] = LateAcceptance(("relu",) * 4, OPERATORS, history, seed=1)
    seen: list[tuple[Candidate, int]] = []
    for score in scores:
        candidate = climber.ask()
        climber.tell(candidate, score)
        seen.append((candidate, score))
        top = max(value for _, value in seen)
        assert climber.best_score == top
        assert climber.best == next(c for c, value in seen if value == top)


def test_the_start_comes_first():
    assert climb(rough, 1)[0][0][0] == ("relu",) * 4


@pytest.mark.parametrize("layers", [1, 2, 4, 7])
def test_a_proposal_gives_one_layer_another_operator_and_swaps_two(layers: int):
    start = tuple(OPERATORS[i % len(OPERATORS)] for i in range(layers))
    climber: LateAcceptance[int] = LateAcceptance(start, OPERATORS, 1, seed=0)
    climber.tell(climber.ask(), 1)
    changed = set()
    for _ in range(300):
        candidate = climber.ask()
        assert len(candidate) == layers
        assert set(candidate) <= set(OPERATORS)
        assert (Counter(start) - Counter(candidate)).total() == 1  # so it is never the current one itself
        places = {i for i in range(layers) if candidate[i] != start[i]}
        assert 1 <= len(places) <= 3
        changed |= places
        climber.tell(candidate, 0)
    assert changed == set(range(layers))


def test_asking_again_is_another_draw_around_the_same_current():
    climber: LateAcceptance[int] = LateAcceptance(("relu",) * 4, OPERATORS, 3, seed=0)
    climber.tell(climber.ask(), 0)
    assert len({climber.ask() for _ in range(20)}) > 1
    assert climber.current == (("relu",) * 4, 0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("history", [1, 3])
def test_the_optimum_of_a_separable_score_is_found(seed: int, history: int):
    optimum = ("tanh", "gelu", "relu")

    def matches(candidate: Candidate) -> float:
        return sum(a == b for a, b in zip(candidate, optimum, strict=True))

    _, climber = climb(matches, 1500, layers=3, history=history, seed=seed)
    assert climber.best == optimum
    assert climber.best_score == 3


def test_operators_named_twice_count_once():
    with pytest.raises(SafsError, match="at least 2 operators"):
        LateAcceptance(("relu",), ("tanh", "tanh"), 1, 0)
    assert LateAcceptance(("relu",), ("tanh", "elu", "tanh"), 1, 0).operators == ("tanh", "elu")


@pytest.mark.parametrize("operators", [(), ("relu",)])
def test_nothing_to_choose_from_is_refused(operators: tuple[str, ...]):
    with pytest.raises(SafsError, match="at least 2 operators"):
        LateAcceptance(("relu",), operators, 1, 0)


def test_a_model_without_sites_is_refused():
    with pytest.raises(SafsError, match="no activation site"):
        LateAcceptance((), OPERATORS, 1, 0)


def test_the_example_of_the_docstring_holds():
    tested = doctest.testmod(safs.searching.hill_climbing)
    assert tested.attempted > 0
    assert tested.failed == 0
