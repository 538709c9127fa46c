"""Registered versions: found by number or alias, and fetched as files."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from numpy.typing import NDArray

from safs.errors import SafsError

CHALLENGER, CHAMPION, PREVIOUS = "challenger", "champion", "previous"


@dataclass(frozen=True)
class Registered:
    """A registered model, and where it is kept.

    Attributes:
        client: the registry.
        uri: its address.
        name: the model's.
        workspace: where an SQLite file's artifacts go.
    """

    client: MlflowClient
    uri: str
    name: str
    workspace: Path


@dataclass(frozen=True)
class Stored:
    """A version's files on this machine.

    Attributes:
        name: the registered model's.
        version: its number.
        tags: what the registry says of it.
        served: what `mlflow.pyfunc.load_model` takes.
        weights: the model folder, with `model.json` and `model.safetensors`.
    """

    name: str
    version: str
    tags: dict[str, str]
    served: Path
    weights: Path

    def predictor(self) -> "Predictor":
        """The model as it is served."""
        return Predictor(self.served)


class Predictor:
    """A version as it is served, through MLflow's own interface.

    Args:
        served: the downloaded version.
    """

    def __init__(self, served: Path) -> None:
        os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
        self.model = mlflow.pyfunc.load_model(str(served))
        self.input = self.model.metadata.get_input_schema().input_names()[0]

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities [batch, classes] of images in [0, 1] or series, [batch, channels, ...]."""
        return np.asarray(self.model.predict({self.input: x}), np.float32)


def alias_table(client: MlflowClient, name: str) -> dict[str, str]:
    """The version of each alias.

    Raises:
        SafsError: there is no model of that name.
    """
    try:
        return {alias: str(version) for alias, version in client.get_registered_model(name).aliases.items()}
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise SafsError(f"the registry has no model {name!r}; register one with safs run or safs register") from None


def find_version(client: MlflowClient, name: str, reference: str) -> ModelVersion:
    """A version by its number or alias.

    Raises:
        SafsError: there is none.
    """
    aliases = alias_table(client, name)
    number = aliases.get(reference, reference)
    try:
        return client.get_model_version(name, number)
    except MlflowException:
        known = ", ".join(f"{alias} = {version}" for alias, version in sorted(aliases.items())) or "none"
        raise SafsError(f"{name} has no version {reference!r}; its aliases are: {known}") from None


def fetch_version(client: MlflowClient, uri: str, version: ModelVersion, folder: Path) -> Stored:
    """Download a version.

    Args:
        client: the registry.
        uri: its address.
        version: which.
        folder: where to; a folder of the version's own is made in it.

    Raises:
        SafsError: its files are gone, or they hold no model folder.
    """
    target = folder / f"version-{version.version}"
    target.mkdir(parents=True)
    where = client.get_model_version_download_uri(version.name, version.version)
    try:
        served = Path(mlflow.artifacts.download_artifacts(artifact_uri=where, dst_path=str(target), tracking_uri=uri))
    except Exception as error:  # every artifact store raises its own
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise SafsError(f"{version.name} version {version.version} cannot be fetched: {reason}") from None
    found: list[Path] = sorted(served.rglob("model.json"))
    if len(found) != 1:
        raise SafsError(f"{version.name} version {version.version} holds {len(found)} model folders instead of one")
    tags: dict[str, Any] = dict(version.tags)
    return Stored(version.name, str(version.version), tags, served, found[0].parent)
