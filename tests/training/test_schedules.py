from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from safs.training.schedules import SCHEDULES
from safs.training.settings import Schedule

PROGRESS = np.linspace(0, 1, 301)[:-1]


@pytest.mark.parametrize("name", SCHEDULES)
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
    ],
)
def test_schedules_have_their_known_values(name: str, progress: float, factor: float):
    assert SCHEDULES[name](progress) == pytest.approx(factor)
