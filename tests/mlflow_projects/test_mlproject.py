"""The MLproject is what the signatures make of it, and MLflow can run it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mlflow_projects.generate import MLPROJECT, mlproject
from safs.kubeflow.parameters import pipeline_parameters
from safs.steps import STEPS

ROOT = Path(__file__).parents[2]


def test_the_mlproject_has_not_drifted_from_the_signatures():
    assert MLPROJECT.read_text() == mlproject(), "run `make compile`"


def test_every_step_and_the_pipeline_are_entry_points():
    entries = yaml.safe_load(MLPROJECT.read_text())["entry_points"]
    assert set(entries) == {"main", *STEPS}
    assert set(entries["main"]["parameters"]) == {*pipeline_parameters(), "workspace"}


@pytest.mark.integration
def test_mlflow_runs_a_single_step(tmp_path):
    mlflow = Path(sys.executable).with_name("mlflow")
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
        "PATH": f"{mlflow.parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = [mlflow, "run", ROOT / "mlflow_projects", "-e", "prepare", "--env-manager", "local"]
    done = subprocess.run(
        [*command, "-P", f"out={tmp_path}/data"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "dataset.json").exists()

    from mlflow import MlflowClient

    runs = MlflowClient(environment["MLFLOW_TRACKING_URI"]).search_runs(["0"])
    assert len(runs) == 1, "the step reports to the run that the project has opened"
    assert runs[0].data.params["prepare.dataset"] == "digits"
    assert runs[0].info.status == "FINISHED"
