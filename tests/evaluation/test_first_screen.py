from math import inf, sqrt
from pathlib import Path

import pytest

from safs.evaluation.decision import Rates, decide, half_interval
from safs.evaluation.report import render_report
from safs.evaluation.selection import read_evaluation
from safs.figures import amount, digits, size
from safs.steps.report import report
from tests.evaluation.evaluations import entry, evaluation


def served(milliseconds: float, size: int = 1_000) -> dict:
    times = {"1": [0.0, milliseconds, 9.0], "32": [0.0, 20 * milliseconds, 9.0]}
    return {"host": "a runtime", "bytes": size, "memory": 50_000_000, "milliseconds": times}


def measured(dense: float, sparse: float) -> dict:
    spent = {step: {"seconds": 1.0, "cpu_seconds": 1200.0} for step in ("prepare", "prune", "search", "finetune")}
    models = {"dense": served(dense, 40_000), "relu": served(sparse), "safs": served(sparse)}
    return {**evaluation(0.9, entry(0, 0.8)), "serving": {"models": models, "cost": spent, "processor": "a core"}}


def test_the_search_has_paid_when_the_time_it_saved_exceeds_the_time_it_took():
    made = decide([measured(3.0, 1.0)], None, Rates(price=0.5, watts=20))
    assert made.core_hours == 1
    assert made.money == 0.5
    assert made.pays_after == pytest.approx(3600 / 0.002)
    dense, _, safs = made.columns
    assert (dense.energy, safs.energy) == (pytest.approx(60), pytest.approx(20))
    assert safs.money == pytest.approx(1e6 * 0.001 / 3600 * 0.5)
    page = render_report([measured(3.0, 1.0)])
    for words in ("1.80 million", "40.0 &times;", "3.0 &times;", "predictions until the search has paid"):
        assert words.replace("1.80", "1.8") in page or words in page, words


def test_a_sparse_model_that_is_not_faster_never_pays():
    assert decide([measured(1.0, 1.0)], None, Rates()).pays_after == inf
    assert "does the search pay for itself: the sparse model is not faster" in render_report([measured(1.0, 2.0)])


def test_what_was_not_measured_is_not_shown():
    made = decide([evaluation(0.9, entry(0, 0.8))], None, Rates())
    assert (made.core_hours, made.pays_after, made.columns[0].energy) == (None, None, None)
    page = render_report([evaluation(0.9, entry(0, 0.8))])
    assert "memory of a serving process" not in page
    assert "core hours" not in page


def test_the_interval_is_students():
    assert half_interval([0.5]) is None
    assert half_interval([0.1, 0.2, 0.3]) == pytest.approx(4.302653 * 0.1 / sqrt(3), rel=1e-6)


def test_numbers_are_short():
    assert [digits(v) for v in (0, 0.012345, 12.345, 1234.5, 1e-7)] == ["0", "0.0123", "12.3", "1,234", "1.00e-07"]
    assert [size(v) for v in (12, 177_704, 14_700_000, 2e12)] == ["12 B", "178 kB", "14.7 MB", "2,000 GB"]
    assert [amount(v) for v in (950, 2_345_678, 3.2e9)] == ["950", "2.35 million", "3.2 billion"]


def test_evaluate_measures_what_serving_takes(evaluated: Path, tmp_path: Path):
    serving = read_evaluation(evaluated)["serving"]
    assert serving["models"]["safs"]["host"] == "safs.runtime"
    assert set(serving["models"]) == {"dense", "relu", "safs"}
    for found in serving["models"].values():
        assert 10e6 < found["memory"] < 2e9
        for low, middle, high in found["milliseconds"].values():
            assert 0 < low <= middle <= high
    assert serving["models"]["safs"]["bytes"] < serving["models"]["dense"]["bytes"] / 3
    assert {"pretrain", "prune", "search", "finetune"} <= set(serving["cost"])
    summary = report([evaluated], tmp_path / "report", core_hour_price=2.0)
    assert summary["core_hours"] > 0
    assert summary["money"] == pytest.approx(2 * summary["core_hours"])
    assert "2 for a core and an hour" in (tmp_path / "report" / "report.html").read_text()
