"""MLflow as tracker and registry, on SQLite and on a real server."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.data.schema import TensorDatasetSchema
from small_run import SMALL, safs

from safs.data import PARTS, Examples, save_dataset
from safs.errors import SafsError
from safs.mlops.address import redact, tracking_uri
from safs.mlops.progress import Lines
from safs.mlops.tracking import MlflowTracker, default_experiment, open_client


@pytest.fixture
def tracker(tmp_path):
    """A tracker of a fresh run in a fresh SQLite file."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = open_client(uri)
    experiment = default_experiment(client, uri, tmp_path)
    run = client.create_run(experiment).info.run_id
    return MlflowTracker(client, experiment, run, "search", Lines("search"))


def test_parameters_and_metrics_carry_the_name_of_their_step(tracker):
    tracker.params({"epochs": 3})
    for step in range(1200):
        tracker.metrics({"loss": 1 / (step + 1)}, step)
    tracker.flush()
    data = tracker.client.get_run(tracker.run).data
    assert data.params == {"search.epochs": "3"}
    assert len(tracker.client.get_metric_history(tracker.run, "search.loss")) == 1200


def test_a_data_set_is_logged_with_its_schema_and_fingerprint(tracker, tmp_path):
    parts = {part: Examples(np.zeros((4, 2, 8), np.float32), np.array([0, 1, 0, 1])) for part in PARTS}
    info = save_dataset(tmp_path / "data", "pump", "s3://bucket/pump", ("0", "1"), parts, channels=("p", "q"))
    tracker.dataset(info)
    run = tracker.client.get_run(tracker.run)
    ((entry,),) = [[found.dataset for found in run.inputs.dataset_inputs]]
    schema = TensorDatasetSchema.from_dict(json.loads(entry.schema))
    assert schema.features.inputs[0].shape == (-1, 2, 8)
    assert schema.features.inputs[0].type == np.float32
    assert schema.targets.inputs[0].type == np.int64
    assert entry.digest == info.fingerprint[:32]
    assert run.data.tags["safs.data_fingerprint"] == info.fingerprint
    profile = json.loads(entry.profile)
    assert profile["train_size"] == 4
    assert profile["channels"] == ["p", "q"]
    assert (entry.source_type, json.loads(entry.source)) == ("s3", {"uri": "s3://bucket/pump"})


@pytest.mark.parametrize(
    ("error", "status"), [(None, "FINISHED"), (ValueError("no"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_part_of_a_step_is_a_nested_run_that_ends_as_the_part_did(tracker, error, status):
    try:
        with tracker.child("trial-0") as trial:
            trial.metrics({"accuracy": 0.5})
            if error:
                raise error
    except (ValueError, KeyboardInterrupt):
        assert error
    run = tracker.client.get_run(trial.run)
    assert run.data.tags["mlflow.parentRunId"] == tracker.run
    assert run.info.status == status
    assert run.data.metrics == {"search.accuracy": 0.5}, "what was pending is sent whatever happened"


def test_several_processes_may_open_a_fresh_database_at_once(tmp_path):
    code = f"from safs.mlops.tracking import open_client; open_client('sqlite:///{tmp_path}/mlflow.db')"
    processes = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(4)]
    for process in processes:
        _, error = process.communicate(timeout=120)
        assert process.returncode == 0, error.decode()


def test_a_step_under_the_kubeflow_plugin_reports_to_the_run_it_is_given(tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = open_client(uri)
    experiment, run = client.create_experiment("kfp"), ""
    runs = []
    for _ in ("pipeline", "loop", "task"):  # as the plugin nests them
        tags = {"mlflow.parentRunId": run} if run else {}
        run = client.create_run(experiment, tags=tags).info.run_id
        runs.append(run)
    plugin = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_ID": experiment, "MLFLOW_RUN_ID": run}
    done = safs("prepare", "--out", tmp_path / "data", **plugin, KFP_RUN_ID="of-kubeflow")
    assert done.code == 0, done.err
    after = client.get_run(run)
    assert after.data.params["prepare.dataset"] == "digits"
    assert after.data.tags["safs.step"] == "prepare"
    assert after.data.tags["safs.pipeline_run"] == runs[0]
    assert after.info.status == "RUNNING", "the run is not ours to end"
    assert len(client.search_runs([after.info.experiment_id])) == 3


@pytest.mark.parametrize("kubeflow", [{}, {"KFP_RUN_ID": "of-kubeflow"}])
def test_a_step_without_the_plugin_has_a_run_of_its_own_that_names_the_pipelines(tmp_path, kubeflow):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    done = safs("prepare", "--out", tmp_path / "data", MLFLOW_TRACKING_URI=uri, **kubeflow)
    assert done.code == 0, done.err
    client = open_client(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("safs").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.tags.get("safs.pipeline_run") == kubeflow.get("KFP_RUN_ID")


def test_a_uri_is_shown_without_its_password():
    assert redact("https://me:secret@host:5000/x") == "https://***@host:5000/x"
    assert redact("sqlite:////tmp/mlflow.db") == "sqlite:////tmp/mlflow.db"


def test_the_environment_decides_where_runs_go(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert tracking_uri(tmp_path) == "http://127.0.0.1:1"


def test_a_damaged_database_is_an_error_in_one_line(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"not a database" * 100)
    with pytest.raises(SafsError, match="no MLflow answers at sqlite"):
        open_client(f"sqlite:///{tmp_path}/mlflow.db")


@pytest.fixture
def server(tmp_path):
    """A real MLflow server on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [Path(sys.executable).with_name("mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--artifacts-destination", tmp_path / "kept"]
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen([*command, "--workers", "1"], stdout=log, stderr=log, cwd=tmp_path)
        try:
            for _ in range(300):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.2)
            else:
                pytest.fail((tmp_path / "server.log").read_text())
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


@pytest.mark.service
@pytest.mark.integration
def test_a_run_on_a_real_server_registers_a_model_that_loads_from_it(server, tmp_path):
    one = " ".join(SMALL).replace("0.9 0.95", "0.9").split()
    done = safs("run", *one, "--workspace", tmp_path / "w", MLFLOW_TRACKING_URI=server)
    assert done.code == 0, done.err
    assert not (tmp_path / "w" / "mlflow.db").exists()
    client = MlflowClient(server)
    version = client.get_model_version_by_alias("safs", "challenger")
    assert version.tags["sparsity"] == "0.9"
    code = (
        "import mlflow, numpy as np\n"
        "model = mlflow.pyfunc.load_model('models:/safs@challenger')\n"
        "out = model.predict({'images': np.zeros((2, 1, 28, 28), 'float32')})\n"
        "assert out.shape == (2, 10) and abs(out.sum(1) - 1).max() < 1e-5\n"
    )
    environment = os.environ | {"MLFLOW_TRACKING_URI": server, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    loaded = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
