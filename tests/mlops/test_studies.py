"""Earlier searches, found in MLflow."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from safs.errors import SafsError
from safs.mlops.studies import MlflowStudies
from safs.mlops.tracked import run_step
from safs.mlops.tracking import default_experiment, open_client
from safs.searching.study import read_study
from tests.chain import SEARCH, Chain


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("SAFS_WORKSPACE", str(tmp_path))
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "SAFS_PARENT_RUN", "SAFS_WORK"):
        monkeypatch.delenv(name, raising=False)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    found = open_client(uri)
    default_experiment(found, uri, tmp_path)
    return found


def test_a_search_starts_from_one_that_mlflow_keeps(client: MlflowClient, chain: Chain, tmp_path: Path):
    run_step("search", data=chain.data, models=chain.prune, out=tmp_path / "first", **SEARCH)
    (run,) = client.search_runs(["1"], "tags.`safs.step` = 'search'")
    for reference in (run.info.run_id, "safs", "1"):
        (tmp_path / reference).mkdir()
        (file,) = MlflowStudies(client).fetch(reference, tmp_path / reference)
        assert read_study(file) == read_study(tmp_path / "first")
    again = {**SEARCH, "strategy": "random", "warm_start": f"mlflow:{run.info.run_id}"}
    run_step("search", data=chain.data, models=chain.prune, out=tmp_path / "second", **again)
    best = [study.winner.activations for study in read_study(tmp_path / "first")]
    for study in read_study(tmp_path / "second"):
        assert any(trial.activations in best for trial in study.trials)


def test_a_search_is_found_by_the_kubeflow_run_that_it_belongs_to(client: MlflowClient, tmp_path: Path):
    (tmp_path / "study.json").write_text("{}")
    for step, pipeline in (("search", "one"), ("search", "another"), ("register", "one")):
        run = client.create_run("1", tags={"safs.step": step, "safs.pipeline_run": pipeline}).info.run_id
        client.log_artifact(run, str(tmp_path / "study.json"))
    (file,) = MlflowStudies(client).fetch("one", tmp_path)
    assert client.get_run(file.parent.name).data.tags["safs.pipeline_run"] == "one"


def test_a_search_that_is_not_there_is_named(client: MlflowClient, tmp_path: Path):
    with pytest.raises(SafsError, match="no run and no experiment 'none'"):
        MlflowStudies(client).fetch("none", tmp_path)
    with pytest.raises(SafsError, match=r"no study\.json under 'safs'"):
        MlflowStudies(client).fetch("safs", tmp_path)


def test_the_password_of_a_study_is_not_tracked(client: MlflowClient, chain: Chain, tmp_path: Path):
    storage = "postgresql+psycopg://me:secret@127.0.0.1:1/none"
    with pytest.raises(SafsError, match="no database for the study answers") as caught:
        run_step("search", data=chain.data, models=chain.prune, out=tmp_path / "out", **SEARCH, storage=storage)
    assert "secret" not in str(caught.value)
    (run,) = client.search_runs(["1"])
    assert run.data.params["search.storage"] == "postgresql+psycopg://***@127.0.0.1:1/none"
