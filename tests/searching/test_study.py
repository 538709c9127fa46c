"""The record of a search and the history that it tells."""

from safs.searching.plan import SearchPlan
from safs.searching.study import Look, Study, Trial, history


def study(plan, *curves):
    trials = [
        Trial(number, {"act": "relu"}, [[accuracy, 0.0] for accuracy in curve], "halved")
        for number, curve in enumerate(curves)
    ]
    return Study(0, "lenet5", 0.9, ["relu", "tanh"], plan, trials, 0, 0.0)


def test_history_goes_rung_by_rung_and_counts_only_new_epochs():
    plan = SearchPlan(candidates=3, search_epochs=4, min_epochs=1, halving=4)
    assert history(study(plan, (0.5, 0.6, 0.55, 0.58), (0.4,), (0.3, 0.2))) == [
        Look(1.0, 0, 1, 0.5),
        Look(2.0, 1, 1, 0.4),
        Look(3.0, 2, 1, 0.3),
        Look(6.0, 0, 4, 0.6),
        Look(7.0, 2, 2, 0.3),  # given up on its way
    ]


def test_a_search_without_a_ladder_looks_once_at_each():
    plan = SearchPlan(candidates=2, search_epochs=2, min_epochs=2)
    assert [look.spent for look in history(study(plan, (0.5, 0.6), (0.4, 0.3)))] == [2.0, 4.0]
