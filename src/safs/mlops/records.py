"""MLflow runs that record what was done with a registered model: judged, looked at, trained anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from mlflow import MlflowClient
from mlflow.entities import Run

from safs.mlops.progress import Lines
from safs.mlops.tracking import MlflowTracker, default_experiment

ACTION, MODEL, VERSION = "safs.action", "safs.model", "safs.version"
Action = Literal["promote", "monitor", "retrain"]


@contextmanager
def record(
    client: MlflowClient, uri: str, workspace: Path, action: Action, name: str, version: str
) -> Iterator[MlflowTracker]:
    """A run that ends with the body.

    Args:
        client: the tracking server.
        uri: its address.
        workspace: where an SQLite file's artifacts go.
        action: what is done.
        name: the registered model's.
        version: its version.
    """
    experiment = default_experiment(client, uri, workspace)
    tags = {ACTION: action, MODEL: name, VERSION: version}
    run = client.create_run(experiment, run_name=f"{action} {name} {version}".strip(), tags=tags)
    tracker = MlflowTracker(client, experiment, run.info.run_id, action, Lines(action))
    with tracker.ended():
        yield tracker


def records(client: MlflowClient, action: Action, name: str, version: str = "", most: int = 50) -> list[Run]:
    """Runs of an action on a registered model, or on one version of it, the newest first.

    Args:
        client: the tracking server.
        action: what was done.
        name: the registered model's.
        version: its version; any if empty.
        most: how many are wanted.
    """
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    wanted = {ACTION: action, MODEL: name} | ({VERSION: version} if version else {})
    clauses = " and ".join(f"tags.`{tag}` = '{value.replace(chr(39), chr(39) * 2)}'" for tag, value in wanted.items())
    return list(client.search_runs(experiments, clauses, max_results=most, order_by=["attributes.start_time DESC"]))
