import doctest

import pytest

import safs.searching.costs
import safs.searching.plan
from safs.searching.plan import SearchPlan, places


@pytest.mark.parametrize("module", [safs.searching.plan, safs.searching.costs])
def test_the_examples_of_the_docstrings_hold(module):
    tested = doctest.testmod(module)
    assert tested.attempted > 0
    assert tested.failed == 0


@pytest.mark.parametrize(
    ("low", "high", "halving", "rungs"),
    [
        (2, 8, 4, (2, 8)),
        (2, 20, 4, (2, 8, 20)),
        (1, 4, 2, (1, 2, 4)),
        (3, 3, 4, (3,)),
        (5, 4, 4, (4,)),
        (2, 8, 1, (8,)),
    ],
)
def test_rungs_rise_to_the_last(low: int, high: int, halving: int, rungs: tuple[int, ...]):
    assert SearchPlan(search_epochs=high, min_epochs=low, halving=halving).rungs == rungs


def test_one_in_so_many_goes_on():
    assert [places(count, 4) for count in (1, 4, 5, 16)] == [1, 1, 2, 4]
    assert SearchPlan(candidates=16).trainings == 16 + 5
    assert SearchPlan(candidates=16, halving=1).trainings == 16


def test_nobody_is_given_up_where_the_first_look_is_the_last():
    assert SearchPlan(search_epochs=2, min_epochs=2).patience is None
    assert SearchPlan(search_epochs=3, min_epochs=2, halving=1).patience == 2
