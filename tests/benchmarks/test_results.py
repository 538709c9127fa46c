"""The tables say what was measured: the page follows the data, the data follows the search."""

import pytest

from benchmarks import results
from benchmarks.accuracy import ROWS, paired, table
from benchmarks.fidelity import EPOCHS, IMAGES, correlations
from benchmarks.search_cost import incumbents
from safs.searching.plan import SearchPlan
from safs.searching.study import Study, Trial


def test_the_page_is_what_the_kept_results_make():
    assert results.PAGE.read_text() == results.page()


def test_every_table_of_the_page_is_said_to_be_measured_on_something():
    for section in results.SECTIONS:
        text = section()
        assert text == "" or "Measured on " in text


def test_an_accuracy_row_shows_means_spreads_and_both_differences():
    test = {name: [0.5, 0.7] for name in ("dense", "relu", "stage1", "stage2")} | {"safs": [0.6, 0.9]}
    gain = paired(test["safs"], test["relu"])
    row = {"ceiling": [0.9, 0.9], "test": test, "safs - relu": gain, "safs - relu tuned": gain}
    line = table({"paper": row}).splitlines()[2]
    assert line.startswith(f"| {ROWS['paper'][0]} | 90.00 ± 0.00 | 60.00 ± 14.14 |")
    assert line.endswith("| 75.00 ± 21.21 | +15.00 ± 7.07 | +15.00 ± 7.07 |")


def test_correlation_is_with_the_best_of_all_epochs():
    curves = [[level + epoch / 100 for epoch in range(40)] for level in (0.1, 0.3, 0.2)]
    measured = [{"candidates": [{"all": curve, "some": [-v for v in curve[: EPOCHS[-1]]]} for curve in curves]}]
    found = correlations(measured)
    assert found["1 epochs"] == [pytest.approx(1.0)]
    assert found[f"1 epochs, {IMAGES:,} images"] == [pytest.approx(-1.0)]


def test_an_incumbent_is_the_best_of_a_rung_and_of_every_moment_of_the_last():
    def trial(number, *accuracies):
        return Trial(number, {"act": str(number)}, [[accuracy, 0.0] for accuracy in accuracies], "halved")

    trials = [trial(0, 0.5, 0.6, 0.6, 0.6), trial(1, 0.4), trial(2, 0.55, 0.5, 0.7, 0.7)]
    plan = SearchPlan(candidates=3, search_epochs=4, min_epochs=1, halving=4)
    study = Study(0, "lenet5", 0.9, ["relu"], plan, trials, 2, 9.0)
    assert [(spent, trial.number) for spent, trial in incumbents(study)] == [(3.0, 2), (6.0, 0), (9.0, 2)]
