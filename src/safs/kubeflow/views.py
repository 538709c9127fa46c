"""A step's results as the artifacts that the Kubeflow UI draws."""

import json
import shutil
from pathlib import Path
from typing import Any

from kfp import dsl


def show_metrics(artifact: dsl.Metrics, summary: dict[str, Any]) -> None:
    """Numbers of a step's summary as scalar metrics."""
    for name, value in summary.items():
        if isinstance(value, int | float):
            artifact.log_metric(name, float(value))


def show_confusion(artifact: dsl.ClassificationMetrics, evaluation: Any) -> None:
    """The confusion matrix of an evaluation folder."""
    content = json.loads((Path(evaluation.path) / "evaluation.json").read_text(encoding="utf-8"))
    artifact.log_confusion_matrix(content["classes"], content["confusion"])


def show_report(artifact: dsl.HTML, folder: Any) -> None:
    """The HTML report of a step's output folder."""
    target = Path(artifact.path)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(folder.path) / "report.html", target)
