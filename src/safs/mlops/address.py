"""Addresses of the tracking server."""

import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


def tracking_uri(workspace: Path) -> str:
    """`MLFLOW_TRACKING_URI`, or the SQLite file of the workspace."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(workspace / 'mlflow.db').resolve()}"


def redact(uri: str) -> str:
    """The address without the user's name and password, fit for messages and files."""
    parts = urlsplit(uri)
    if "@" not in parts.netloc:
        return uri
    return urlunsplit(parts._replace(netloc="***@" + parts.netloc.rpartition("@")[2]))
