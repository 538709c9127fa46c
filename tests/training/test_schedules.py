from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from safs.training.schedules import SCHEDULES, plateau, rate_factors
from safs.training.score import WORST, Score
from safs.training.settings import Hyperparameters, Schedule

PROGRESS = np.linspace(0, 1, 301)[:-1]


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "restarts"])
def test_a_schedule_goes_from_one_downwards_and_stays_positive(name: str):
    factors = [SCHEDULES[name](progress) for progress in PROGRESS]
    assert factors[0] == 1
    assert all(factor > 0 for factor in factors)
    assert all(later <= earlier for earlier, later in pairwise(factors))


def test_every_schedule_that_can_be_named_exists():
    assert set(SCHEDULES) == set(get_args(Schedule))


@pytest.mark.parametrize(
    ("name", "progress", "factor"),
    [
        ("constant", 0.9, 1),
        ("cosine", 0.5, 0.5),
        ("linear", 0.75, 0.25),
        ("step", 0.3, 1),
        ("step", 0.4, 0.1),
        ("step", 0.7, 0.01),
        ("restarts", 0.0, 1),
        ("restarts", 0.5 / 7, 0.5),
        ("restarts", 2 / 7, 0.5),
        ("restarts", 5 / 7, 0.5),
    ],
)
def test_schedules_have_their_known_values(name: str, progress: float, factor: float):
    assert SCHEDULES[name](progress) == pytest.approx(factor)


def test_restarts_start_three_times_each_cycle_twice_as_long():
    factors = [SCHEDULES["restarts"](progress / 700) for progress in range(700)]
    assert all(0 < factor <= 1 for factor in factors)
    assert [index for index in range(1, 700) if factors[index] > factors[index - 1]] == [100, 300]


def scores(*accuracies: float) -> list[Score]:
    return [Score(accuracy, -1.0) for accuracy in accuracies]


@pytest.mark.parametrize(
    ("seen", "factor"),
    [
        ([], 1),
        (scores(0.1, 0.2, 0.3, 0.4), 1),
        (scores(0.4, 0.1, 0.2), 1),
        (scores(0.4, 0.1, 0.2, 0.3), 0.3),
        (scores(0.4, 0.1, 0.2, 0.3, 0.4, 0.4), 0.3),
        (scores(0.4, 0.1, 0.2, 0.3, 0.4, 0.4, 0.4), 0.09),
        (scores(0.4, 0.1, 0.2, 0.5, 0.5, 0.5), 1),
        ([WORST] * 3, 0.3),
    ],
)
def test_a_plateau_lowers_the_rate(seen: list[Score], factor: float):
    assert plateau(seen, epochs=20) == pytest.approx(factor)  # a tenth of 20 epochs is waited for
    settings = Hyperparameters(schedule="plateau")
    assert rate_factors(settings, seen, 20, 3) == [pytest.approx(factor)] * 3
    assert rate_factors(Hyperparameters(), seen, 20, 3) == [1.0] * 3


@pytest.mark.parametrize("schedule", get_args(Schedule))
def test_the_warm_up_rises_in_a_line_and_the_schedule_follows(schedule: Schedule):
    settings = Hyperparameters(schedule=schedule, warmup=0.25)
    factors = [rate for epoch in range(4) for rate in rate_factors(settings, scores(*range(epoch)), 4, 10)]
    assert factors[:10] == pytest.approx([step / 10 for step in range(1, 11)])
    assert factors[10] == pytest.approx(1)
    assert factors[10:] == pytest.approx([SCHEDULES[schedule](step / 30) for step in range(30)])


@pytest.mark.parametrize("schedule", get_args(Schedule))
def test_without_warm_up_the_schedule_starts_at_once(schedule: Schedule):
    factors = rate_factors(Hyperparameters(schedule=schedule), [], 4, 10)
    assert factors == [SCHEDULES[schedule](step / 10 / 4) for step in range(10)]
