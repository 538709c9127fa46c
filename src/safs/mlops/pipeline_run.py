"""The MLflow run of a whole pipeline run: its results, and the end of runs whose process was killed."""

import os
import socket
import time
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, RunTag

HOST, PROCESS = "safs.host", "safs.process"
PIPELINE = "safs.pipeline_run"  # on the run of each step: the MLflow run that all of them are in, or the Kubeflow run


def process_tags() -> dict[str, str]:
    """Tags that tell which process a run belongs to."""
    return {HOST: socket.gethostname(), PROCESS: str(os.getpid())}


def root_of(client: MlflowClient, run: str) -> str:
    """The run that a run is nested in at last, over loops too; itself if it is nested in none."""
    while parent := client.get_run(run).data.tags.get("mlflow.parentRunId"):
        run = parent
    return run


def conclude(uri: str, run: str, selection: dict[str, Any], registration: dict[str, str] | None) -> None:
    """Write a pipeline run's results on its run, so that it tells them even if every step came from the cache.

    Args:
        uri: address of the tracking server.
        run: the run's id.
        selection: content of `selection.json`.
        registration: the registered model, if there is one.
    """
    client, now = MlflowClient(uri), int(time.time() * 1000)
    evaluations = selection["evaluations"]
    metrics = {
        f"test_accuracy.{name}.{entry['sparsity']:g}": values["test_mean"]
        for entry in evaluations
        for name, values in entry["variants"].items()
    }
    tags = {"safs.reason": selection["reason"], "safs.data_fingerprint": evaluations[0]["data_fingerprint"]}
    if registration:
        tags["safs.model"] = f"{registration['name']}/{registration['version']}"
    client.log_batch(
        run,
        metrics=[Metric(f"pipeline.{name}", value, now, 0) for name, value in metrics.items()],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )
    data = Dataset(evaluations[0]["data"], evaluations[0]["data_fingerprint"][:32], "local", "{}")
    client.log_inputs(run, [DatasetInput(data)])


def end_orphans(client: MlflowClient) -> None:
    """Mark runs of this machine whose process is gone as killed; a process that is killed cannot do it itself."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    mine = f"attributes.status = 'RUNNING' and tags.`{HOST}` = '{socket.gethostname()}'"
    for run in client.search_runs(experiments, mine):
        try:
            os.kill(int(run.data.tags[PROCESS]), 0)
        except ProcessLookupError:
            _kill_tree(client, experiments, run.info.run_id)
        except PermissionError:
            continue  # it is alive, and somebody else's


def _kill_tree(client: MlflowClient, experiments: list[str], run: str) -> None:
    client.set_terminated(run, "KILLED")
    for child in client.search_runs(
        experiments, f"tags.mlflow.parentRunId = '{run}' and attributes.status = 'RUNNING'"
    ):
        _kill_tree(client, experiments, child.info.run_id)
