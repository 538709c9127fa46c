"""Every step on series of sensors."""

from pathlib import Path

import numpy as np
import pytest

from safs.data import load_info, load_part
from safs.errors import SafsError
from safs.files import read_json
from safs.mlops.pyfunc import Predictor
from safs.steps.evaluate import evaluate
from safs.steps.export import export
from safs.steps.finetune import finetune
from safs.steps.prepare import prepare
from safs.steps.pretrain import pretrain
from safs.steps.prune import prune
from safs.steps.search import search
from safs.steps.select import select
from tests.chain import FINETUNE, PRETRAIN, SEARCH
from tests.data.tables import runs


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sensors")
    prepare(out / "data", dataset=str(runs(out / "runs", 6)), window=8, stride=1, balance=True)
    pretrain(out / "data", out / "dense", model="sensor_cnn", **{**PRETRAIN, "dense_epochs": 8})
    prune(out / "data", out / "dense", out / "sparse", sparsity=0.9)
    search(out / "data", out / "sparse", out / "found", **SEARCH)
    finetune(out / "data", out / "sparse", out / "found", out / "tuned", **FINETUNE)
    evaluate(out / "data", out / "dense", out / "tuned", out / "evaluation")
    select([out / "evaluation"], [out / "tuned"], out / "selection")
    return out


def test_alarms_are_measured_for_every_variant(out: Path):
    evaluation = read_json(out / "evaluation" / "evaluation.json")
    assert evaluation["normal"] == "0"
    assert set(evaluation["alarms"]) == set(evaluation["variants"])
    for measured in evaluation["alarms"].values():
        for name in ("f1", "false_alarm_rate", "missed_alarm_rate"):
            assert len(measured[name]["values"]) == 2
            assert 0 <= measured[name]["mean"] <= 1
    assert evaluation["alarms"]["dense"]["f1"]["mean"] > 0.5  # the values of alarms are larger by two deviations
    assert len(evaluation["alarm_curves"]) == 2
    assert "missed alarm rate" in (out / "evaluation" / "report.html").read_text()


def test_the_selected_model_predicts_series(out: Path):
    x = load_part(out / "data", "validation").x[:5]
    model = Predictor(out / "selection" / "model")
    probabilities = model.predict({"series": x})
    assert probabilities.shape == (5, 2)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert np.array_equal(probabilities, model.predict(x))
    assert load_info(out / "data").shape == (2, 8)


def test_the_selected_model_is_exported(out: Path, tmp_path: Path):
    summary = export(out / "data", out / "selection" / "model", tmp_path / "exported")
    assert summary["same_predictions"] == 1


def test_a_network_for_images_is_refused(out: Path, tmp_path: Path):
    with pytest.raises(SafsError, match="sensor_cnn"):
        pretrain(out / "data", tmp_path / "dense", **PRETRAIN)
