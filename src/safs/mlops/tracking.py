"""MLflow as the tracker of steps: a run a pipeline run, nested runs for steps and their parts."""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import DatasetInput, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from safs.data.dataset import DatasetInfo
from safs.errors import SafsError
from safs.mlops.address import redact
from safs.mlops.datasets import dataset_entry
from safs.mlops.progress import Progress
from safs.steps.context import Value

FLUSH_AT = 500


def open_client(uri: str, patience: float = 0.0) -> MlflowClient:
    """A client of a tracking server or database that is known to answer.

    A fresh SQLite file is set up by one process at a time; several at once would break it.

    Args:
        uri: its address.
        patience: seconds to wait for a server that is away; a person who has mistyped an address should not wait.

    Raises:
        SafsError: the server or the database does not answer.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return _open(uri)
        except SafsError:
            if time.monotonic() >= end:
                raise
            time.sleep(1)


def _open(uri: str) -> MlflowClient:
    """One try of `open_client`.

    Raises:
        SafsError: the server or the database does not answer.
    """
    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("mlflow.store").setLevel(logging.CRITICAL)  # it logs tracebacks of what it raises too
    patience = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
    before = {name: os.environ.get(name) for name in patience}
    os.environ.update(patience)
    try:
        if uri.startswith("sqlite:///"):
            path = Path(uri.removeprefix("sqlite:///"))
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.lock"):
                fresh = not path.exists()
                client = MlflowClient(uri)
                client.search_experiments(max_results=1)
                if fresh:
                    with sqlite3.connect(path) as connection:
                        connection.execute("PRAGMA journal_mode=WAL")  # readers and one writer at a time get along
        else:
            client = MlflowClient(uri)
            client.search_experiments(max_results=1)
        return client
    except OSError:
        raise
    except Exception as error:  # requests, urllib3, sqlalchemy and mlflow each raise their own
        reason = str(error).split("\n")[0].replace(uri, redact(uri)).rpartition(": ")[2].strip("()'\" ")[:200]
        raise SafsError(
            f"no MLflow answers at {redact(uri)}; start it, or unset MLFLOW_TRACKING_URI to use SQLite ({reason})"
        ) from None
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def default_experiment(client: MlflowClient, uri: str, workspace: Path) -> str:
    """The id of the experiment for new runs: `MLFLOW_EXPERIMENT_NAME`, or `safs`; it is created if need be.

    Args:
        client: the tracking server.
        uri: its address; an SQLite file keeps no artifacts, so that they go to the workspace.
        workspace: the folder for them.
    """
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or "safs"
    found = client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    artifacts = (workspace / "mlartifacts").resolve().as_uri() if uri.startswith("sqlite:") else None
    try:
        return str(client.create_experiment(name, artifacts))
    except MlflowException:
        found = client.get_experiment_by_name(name)  # another process was faster
        if not found:
            raise
        return str(found.experiment_id)


class MlflowTracker:
    """Reports to one MLflow run; parts of a step become nested runs.

    Args:
        client: the tracking server.
        experiment: the experiment's id.
        run: the run's id.
        prefix: put before parameter names, so that they never collide with those of others.
        show: where progress is shown.
    """

    def __init__(self, client: MlflowClient, experiment: str, run: str, prefix: str, show: Progress) -> None:
        self.client, self.experiment, self.run, self.prefix, self.show = client, experiment, run, prefix, show
        self.pending: list[Metric] = []

    @contextmanager
    def child(self, name: str) -> Iterator[Self]:
        run = self.client.create_run(self.experiment, run_name=name, tags={"mlflow.parentRunId": self.run})
        tracker = type(self)(self.client, self.experiment, run.info.run_id, self.prefix, self.show)
        with tracker.ended():
            yield tracker

    @contextmanager
    def ended(self) -> Iterator[None]:
        """Ends the run with the body: as finished, or as failed or killed by an exception."""
        try:
            yield
        except BaseException as error:
            self.flush()
            self.client.set_terminated(self.run, "FAILED" if isinstance(error, Exception) else "KILLED")
            raise
        self.flush()
        self.client.set_terminated(self.run, "FINISHED")

    @contextmanager
    def flushed(self) -> Iterator[None]:
        """Leaves the run open, for it belongs to somebody else."""
        try:
            yield
        finally:
            self.flush()

    def params(self, values: Mapping[str, Value]) -> None:
        entries = [Param(f"{self.prefix}.{name}", str(value)) for name, value in values.items()]
        self.client.log_batch(self.run, params=entries)

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        now = int(time.time() * 1000)
        self.pending += [Metric(f"{self.prefix}.{name}", float(value), now, step) for name, value in values.items()]
        if len(self.pending) >= FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Send what is pending; metrics are sent in batches, for a database call an epoch would be slow."""
        if self.pending:
            self.client.log_batch(self.run, metrics=self.pending)
            self.pending = []

    def tags(self, values: Mapping[str, str]) -> None:
        """Tags of this run."""
        self.client.log_batch(self.run, tags=[RunTag(name, value) for name, value in values.items()])

    def dataset(self, info: DatasetInfo) -> None:
        self.client.log_inputs(self.run, [DatasetInput(dataset_entry(info))])
        self.tags({"safs.data_fingerprint": info.fingerprint})

    def file(self, path: Path) -> None:
        self.client.log_artifact(self.run, str(path))

    def progress(self, done: int, total: int, text: str = "") -> None:
        self.show.update(done, total, text)
