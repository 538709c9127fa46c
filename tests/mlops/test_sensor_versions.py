"""What is registered of a model for series, whose values are brought to the scale by curves."""

from pathlib import Path

import pytest

from safs.mlops.promoting import Promoter
from safs.mlops.tracking import open_client
from safs.models import load_spec
from safs.promotion.rules import Rules
from safs.steps.prepare import prepare
from safs.steps.pretrain import pretrain
from safs.steps.prune import prune
from tests.chain import PRETRAIN
from tests.data.tables import runs
from tests.mlops.registered import add_version


def test_a_model_for_series_passes_the_audit_that_comes_before_promotion(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    prepare(tmp_path / "data", dataset=str(runs(tmp_path / "runs", 6)), window=8, stride=1)
    pretrain(tmp_path / "data", tmp_path / "dense", model="sensor_cnn", **PRETRAIN)
    prune(tmp_path / "data", tmp_path / "dense", tmp_path / "sparse", sparsity=0.9)
    model = tmp_path / "sparse" / "seed-0"
    assert load_spec(model).curves
    client = open_client(database)
    version = add_version(client, database, tmp_path / "data", model, tmp_path)
    assert Promoter(client, database, "safs", tmp_path).promote(version, tmp_path / "data", Rules()).checks
