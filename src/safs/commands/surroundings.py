"""Where a command finds MLflow."""

from pathlib import Path
from typing import TYPE_CHECKING

from safs.mlops.address import tracking_uri
from safs.mlops.imports import quick_imports

if TYPE_CHECKING:
    from mlflow import MlflowClient


def connect(workspace: Path) -> "tuple[MlflowClient, str]":
    """A client of `MLFLOW_TRACKING_URI`, or of the workspace's SQLite file, and the address.

    Raises:
        SafsError: MLflow does not answer there.
    """
    uri = tracking_uri(workspace)
    with quick_imports():
        import mlflow

        from safs.mlops.tracking import open_client

        mlflow.set_tracking_uri(uri)
        return open_client(uri), uri
