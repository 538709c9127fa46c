import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from safs.errors import SafsError
from safs.evaluation.insight import collect_insight
from safs.evaluation.insight_charts import ablation_chart, dead_table, gradient_table, training_chart
from safs.evaluation.insight_section import ablation_rows
from safs.evaluation.report import LABELS, render_report
from safs.evaluation.selection import read_evaluation
from safs.files import read_json, write_json
from safs.searching.study import read_study
from tests.chain import Chain, copy_of

SITES = ["act1", "act2", "act3", "act4"]


def test_evaluate_writes_what_the_networks_look_like_inside(chain: Chain, evaluated: Path):
    insight = read_json(evaluated / "insight.json")
    assert list(insight["ablation"]) == ["0", "1"]
    for seed, result in insight["ablation"].items():
        found = read_json(chain.search / f"seed-{seed}.json")["activations"]
        assert {site: entry["operator"] for site, entry in result["sites"].items()} == found
        assert {entry["original"] for entry in result["sites"].values()} == {"relu"}
        for variant in ("relu", "safs"):
            records = read_json(chain.finetune / f"seed-{seed}" / variant / "insight.json")["records"]
            assert insight["training"][variant][seed] == records
            assert list(insight["activations"][variant][seed]) == SITES


def test_the_report_says_what_each_operator_is_worth(evaluated: Path):
    report = (evaluated / "report.html").read_text()
    order = [
        "<h2>Accuracy",
        "Which operator won where",
        "<h3>The search",
        "Gradients, dead units",
        "Confusion matrix of",
    ]
    places = [report.index(text) for text in order]
    assert places == sorted(places)
    for site in SITES:
        assert re.search(rf"<tr><td>{site}</td><td><code>", report)
    assert report.count("<svg") == 7


def test_the_report_draws_every_training_of_the_search(chain: Chain, evaluated: Path):
    search = read_json(evaluated / "insight.json")["search"]
    assert list(search) == ["0", "1"]
    for study in read_study(chain.search):
        looks = search[str(study.seed)]
        assert looks[-1][0] == study.epochs
        assert max(accuracy for _, _, accuracy in looks) >= study.winner.accuracy


def test_an_evaluation_without_insight_has_a_report_without_it(evaluated: Path, tmp_path: Path):
    folder = copy_of(evaluated, tmp_path / "evaluation")
    assert "Which operator won where" in render_report([read_evaluation(folder)])
    (folder / "insight.json").unlink()
    report = render_report([read_evaluation(folder)])
    assert "Which operator" not in report


@pytest.mark.parametrize("content", ["{}", "[]", '{"ablation": {}, "training": {}}'])
def test_a_damaged_insight_is_a_safs_error(evaluated: Path, tmp_path: Path, content: str):
    folder = copy_of(evaluated, tmp_path / "evaluation")
    (folder / "insight.json").write_text(content)
    with pytest.raises(SafsError, match=r"insight\.json"):
        read_evaluation(folder)


def test_trainings_without_records_leave_their_chart_out(chain: Chain, evaluated: Path, tmp_path: Path):
    models = copy_of(chain.finetune, tmp_path / "models")
    for path in models.rglob("insight.json"):
        path.unlink()
    done: list[tuple[int, int, str]] = []
    insight = collect_insight(chain.data, chain.pretrain, models, 0, lambda *args: done.append(args))
    assert insight["training"] == {"relu": {}, "safs": {}}
    assert [entry[:2] for entry in done] == [(1, 2), (2, 2)]
    report = render_report([{**read_json(evaluated / "evaluation.json"), "insight": insight}])
    assert "without any re-training" in report
    assert "gradient norm" not in report


def test_hyperparameters_that_are_none_are_a_safs_error(chain: Chain, tmp_path: Path):
    models = copy_of(chain.finetune, tmp_path / "models")
    write_json(models / "seed-0" / "safs" / "training.json", {"hyperparameters": {"speed": 3}})
    with pytest.raises(SafsError, match="does not hold hyperparameters"):
        collect_insight(chain.data, chain.pretrain, models, 0)


def record(epoch: int, norm: float | None, dead: float) -> dict[str, Any]:
    return {"epoch": epoch, "gradient_norm": {"a.weight": norm}, "sites": {"b": {"dead": dead}}}


def test_tables_are_means_over_the_seeds():
    seeds = {"0": [record(0, 1.0, 0.5), record(5, 0.0, 0.25)], "1": [record(0, 3.0, 0.0), record(5, None, 0.25)]}
    names, epochs, norms = gradient_table(seeds)
    assert (names, epochs) == (["a"], [0, 5])
    np.testing.assert_allclose(norms, [[np.log10(2), -12]])
    names, epochs, dead = dead_table(seeds)
    assert (names, epochs, dead.tolist()) == (["b"], [0, 5], [[25.0, 25.0]])


def test_rows_have_mean_and_spread_of_the_drop():
    entries = [{"operator": name, "original": "relu", "drop": drop} for name, drop in (("tanh", 0.1), ("elu", 0.3))]
    (row,) = ablation_rows({str(seed): {"sites": {"act": entry}} for seed, entry in enumerate(entries)})
    assert row["operators"] == ["tanh", "elu"]
    assert row["mean"] == pytest.approx(0.2)
    assert row["spread"] == pytest.approx(0.2 / 2**0.5)


def test_charts_are_the_same_when_drawn_twice(evaluated: Path):
    insight = read_json(evaluated / "insight.json")
    for draw in (lambda: ablation_chart(insight["ablation"]), lambda: training_chart(insight["training"], LABELS)):
        assert draw() == draw()
        assert draw().startswith("<svg role=")
