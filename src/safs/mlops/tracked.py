"""Runs one step with its surroundings: an MLflow run, the registry, a folder for unfinished work."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safs.files import code_version, read_json
from safs.mlops.address import redact, tracking_uri
from safs.mlops.imports import quick_imports
from safs.mlops.progress import Progress, Told, progress_for
from safs.steps import STEPS, TOOLS
from safs.steps.arguments import check_arguments, parameter_docs, step_parameters
from safs.steps.context import Context

WORKSPACE, WORK, PARENT = "SAFS_WORKSPACE", "SAFS_WORK", "SAFS_PARENT_RUN"
KFP_RUN = "KFP_RUN_ID"  # a deployment sets it to the id of the Kubeflow run
PATIENCE = 120.0  # seconds that a step of a run waits for a server that is being started again
DEFAULT_WORKSPACE = Path("safs-runs")


def workspace_folder() -> Path:
    """Where runs, models and the SQLite database are kept: `SAFS_WORKSPACE`, or `safs-runs`."""
    return Path(os.environ.get(WORKSPACE) or DEFAULT_WORKSPACE)


def run_step(name: str, show: Progress | None = None, **arguments: Any) -> dict[str, Any]:
    """Check a step's arguments, run it under an MLflow run of its own, and give its summary.

    The run is nested in `SAFS_PARENT_RUN`, which `safs run` sets. Under `MLFLOW_RUN_ID`, which KFP's MLflow plugin sets
    for each task, that run itself is used. Without either it stands alone; a tag names the pipeline run in all cases.

    Raises:
        SafsError: an argument breaks its rule, the step cannot work with its input, or MLflow does not answer.
    """
    step = (STEPS | TOOLS)[name]
    checked = check_arguments(step_parameters(step), arguments, parameter_docs(step))
    label = _label(checked)
    show = show or progress_for(name, label)
    with _context(name, label, show) as context:
        context.tracker.params({key: _loggable(value) for key, value in checked.items()})
        if "data" in checked:
            _log_data(context, checked["data"])
        started = time.time()
        summary = step(**checked, context=context)
        ended = time.time()
        context.tracker.metrics({"seconds": ended - started})
    if isinstance(show, Told):
        show.tell(worked=[started, ended], summary=summary)
    return summary


@contextmanager
def _context(name: str, label: str, show: Progress) -> Iterator[Context]:
    uri = tracking_uri(workspace_folder())
    with quick_imports():
        from safs.mlops.pipeline_run import PIPELINE, root_of
        from safs.mlops.registry import MlflowRegistry
        from safs.mlops.studies import MlflowStudies
        from safs.mlops.tracking import MlflowTracker, default_experiment, open_client

        parent, given = os.environ.get(PARENT), os.environ.get("MLFLOW_RUN_ID")
        client = open_client(uri, PATIENCE if parent or given else 0.0)
    pipeline = parent or (root_of(client, given) if given else os.environ.get(KFP_RUN, ""))
    tags = {"safs.step": name, "safs.code_version": code_version()} | ({PIPELINE: pipeline} if pipeline else {})
    if given and not parent:
        run = client.get_run(given)
        tracker = MlflowTracker(client, run.info.experiment_id, given, name, show)
        tracker.tags(tags)
        ended = tracker.flushed()
    else:
        if parent:
            experiment = client.get_run(parent).info.experiment_id
        else:
            experiment = default_experiment(client, uri, workspace_folder())
        tags |= {"mlflow.parentRunId": parent} if parent else {}
        run = client.create_run(experiment, run_name=f"{name} {label}".strip(), tags=tags)
        tracker = MlflowTracker(client, experiment, run.info.run_id, name, show)
        ended = tracker.ended()
    work = os.environ.get(WORK)
    registry = MlflowRegistry(client, uri, tracker.run, pipeline or tracker.run)
    with ended:
        yield Context(tracker, registry, Path(work) if work else None, MlflowStudies(client))


def _label(arguments: dict[str, Any]) -> str:
    """The sparsity that a step is about, to tell its runs apart; empty if there is none."""
    if "sparsity" in arguments:
        return f"{arguments['sparsity']:g}"
    models = arguments.get("models")
    first = next(models.rglob("model.json"), None) if isinstance(models, Path) else None
    return f"{read_json(first)['sparsity']:g}" if first else ""


def _log_data(context: Context, folder: Path) -> None:
    from safs.data import load_info

    context.tracker.dataset(load_info(folder))


def _loggable(value: Any) -> str | int | float | bool:
    if isinstance(value, str) and "://" in value:
        return redact(value)  # a database's address may hold a password
    if isinstance(value, str | int | float | bool):
        return value
    return json.dumps(value, default=str)
