"""Comparisons of two classifiers on the same examples."""

import numpy as np
import pytest
from scipy import stats

from safs.promotion.paired import class_changes, paired_difference


def answers(both: int, ours: int, theirs: int, neither: int):
    """Whether each example is right: for the challenger and for the champion."""
    sizes = (both, ours, theirs, neither)
    return tuple(
        np.repeat(np.array(values), sizes) for values in ([True, True, False, False], [True, False, True, False])
    )


def test_the_difference_of_a_table_that_was_worked_out_by_hand():
    # 10 gained, 4 lost of 100: (10.5 - 4.5) / 102 +- 1.96 * sqrt(15 - 36 / 102) / 102
    difference = paired_difference(*answers(80, 10, 4, 6), 0.95)
    assert (difference.gained, difference.lost, difference.value) == (10, 4, 0.06)
    assert difference.low == pytest.approx(0.058824 - 0.073530, abs=1e-4)
    assert difference.high == pytest.approx(0.058824 + 0.073530, abs=1e-4)
    assert difference.p_value == pytest.approx(2 * stats.binom.cdf(4, 14, 0.5))


def test_equal_classifiers_have_an_interval_about_zero():
    right = answers(90, 0, 0, 10)
    difference = paired_difference(*right, 0.95)
    assert difference.value == 0
    assert -0.03 < difference.low < 0 < difference.high < 0.03
    assert difference.p_value == 1


def test_the_interval_covers_the_truth_as_often_as_it_says():
    random, truth, hits, repeats = np.random.default_rng(0), 0.10 - 0.06, 0, 1000
    for _ in range(repeats):
        counts = random.multinomial(300, [0.8, 0.10, 0.06, 0.04])
        difference = paired_difference(*answers(*counts), 0.95)
        hits += difference.low <= truth <= difference.high
    assert 0.93 <= hits / repeats <= 0.975


def test_only_the_class_that_is_worse_is_found():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 100)
    champion = random.random(300) < 0.9
    challenger = random.random(300) < 0.9
    challenger[labels == 1] = random.random(100) < 0.6
    changes = class_changes(challenger, champion, labels, ["a", "b", "c", "never seen"])
    assert [change.name for change in changes] == ["a", "b", "c"]
    assert [change.p_value < 0.05 for change in changes] == [False, True, False]
    assert changes[1].loss > 0.2
