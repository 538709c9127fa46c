"""MLflow's model registry, without pickle anywhere."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from safs.export.packaging import MODEL, SPARSE
from safs.mlops.versions import CHALLENGER
from safs.models import load_spec
from safs.version import VERSION


class MlflowRegistry:
    """Registers models as pyfunc models without pickle; those that the runtime covers need no torch where they are served.

    Args:
        client: the tracking server, which is the registry too.
        uri: its address.
        run: the run that the models belong to.
        pipeline_run: the pipeline run's id, for the version's tags.
    """

    def __init__(self, client: MlflowClient, uri: str, run: str, pipeline_run: str) -> None:
        self.client, self.uri, self.run, self.pipeline_run = client, uri, run, pipeline_run

    def register(self, name: str, package: Path, example: np.ndarray, tags: Mapping[str, str]) -> dict[str, str]:
        """Register a package under the alias `challenger`; the same model again gives the same version."""
        version = self.find(name, tags["model_fingerprint"]) or self.create(name, package, example, tags)
        self.client.set_registered_model_alias(name, CHALLENGER, version)
        return {"name": name, "version": version, "alias": CHALLENGER, "uri": f"models:/{name}@{CHALLENGER}"}

    def find(self, name: str, model_fingerprint: str) -> str | None:
        """The version that holds a model, told by its fingerprint."""
        escaped = name.replace("'", "''")
        versions = self.client.search_model_versions(
            f"name = '{escaped}' and tag.model_fingerprint = '{model_fingerprint}'"
        )
        return str(versions[0].version) if versions else None

    def create(self, name: str, package: Path, example: np.ndarray, tags: Mapping[str, str]) -> str:
        """Log the model to the run and make a version of it."""
        spec = load_spec(package / MODEL)
        signature = ModelSignature(
            Schema(
                [
                    TensorSpec(
                        np.dtype("float32"),
                        (-1, *spec.input_shape),
                        "images" if len(spec.input_shape) == 3 else "series",
                    )
                ]
            ),
            Schema([TensorSpec(np.dtype("float32"), (-1, len(spec.classes)))]),
        )
        light = (package / SPARSE).exists()
        os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
        mlflow.set_tracking_uri(self.uri)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            mlflow.pyfunc.save_model(
                path,
                loader_module="safs.runtime.pyfunc" if light else "safs.mlops.pyfunc",
                data_path=str(package),
                signature=signature,
                input_example={"images" if len(spec.input_shape) == 3 else "series": example},
                pip_requirements=[f"safs=={VERSION}" if light else f"safs[train]=={VERSION}"],
            )
            self.client.log_artifacts(self.run, str(path), "model")
        if not self.client.search_registered_models(f"name = '{name}'"):
            self.client.create_registered_model(name, description="Sparse networks made by SAFS Pipelines")
        source = f"{self.client.get_run(self.run).info.artifact_uri}/model"
        all_tags = {**tags, "pipeline_run": self.pipeline_run}
        return str(self.client.create_model_version(name, source, self.run, tags=all_tags).version)
