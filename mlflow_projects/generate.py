"""Generates the MLproject from the steps' signatures: `python -m mlflow_projects.generate`."""

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import yaml

from safs.kubeflow.parameters import is_path, pipeline_parameters
from safs.steps import STEPS
from safs.steps.arguments import step_parameters

MLPROJECT = Path(__file__).with_name("MLproject")
HEADER = "# Made by `make compile` from the signatures of the steps; do not edit.\n"
WORKSPACE = inspect.Parameter("workspace", inspect.Parameter.KEYWORD_ONLY, default="safs-runs", annotation=str)


def project_type(annotation: Any) -> str:
    """The MLproject type of a parameter; paths are strings, since MLflow wants a `path` to exist already."""
    inner = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    return "float" if inner in (int, float) else "string"


def entry_point(command: str, parameters: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    """An entry point that hands all its parameters to a command of `safs`."""
    declared: dict[str, Any] = {}
    for name, parameter in parameters.items():
        declared[name] = {"type": "string" if is_path(parameter.annotation) else project_type(parameter.annotation)}
        if parameter.default is not inspect.Parameter.empty:
            default = parameter.default
            declared[name]["default"] = json.dumps(default) if isinstance(default, list) else default
    flags = " ".join(f"--{name.replace('_', '-')}{_joint(p.annotation)}{{{name}}}" for name, p in parameters.items())
    return {"parameters": declared, "command": f"safs {command} {flags}"}


def _joint(annotation: Any) -> str:
    """What stands between a flag and its value: a switch takes one only after an equals sign."""
    return "=" if annotation is bool else " "


def mlproject() -> str:
    """The MLproject file's text."""
    entries = {"main": entry_point("run", {**pipeline_parameters(), "workspace": WORKSPACE})}
    entries |= {name: entry_point(name, step_parameters(step)) for name, step in STEPS.items()}
    content = {"name": "safs", "entry_points": entries}
    return HEADER + yaml.safe_dump(content, sort_keys=False, width=1000)


if __name__ == "__main__":
    MLPROJECT.write_text(mlproject(), encoding="utf-8")
    print(f"wrote {MLPROJECT}")
