"""A step's results as the artifacts that the Kubeflow UI draws.

The UI reads metadata, not files; a file is written all the same, for a cache entry without its files is thrown away.
"""

import json
from pathlib import Path
from typing import Any

from kfp import dsl


def show_metrics(artifact: dsl.Metrics, summary: dict[str, Any]) -> None:
    """Numbers of a step's summary as scalar metrics."""
    for name, value in summary.items():
        if isinstance(value, int | float):
            artifact.log_metric(name, float(value))
    _write(artifact.path, json.dumps(summary))


def show_confusion(artifact: dsl.ClassificationMetrics, evaluation: Any) -> None:
    """The confusion matrix of an evaluation folder."""
    content = json.loads((Path(evaluation.path) / "evaluation.json").read_text(encoding="utf-8"))
    artifact.log_confusion_matrix(content["classes"], content["confusion"])
    _write(artifact.path, json.dumps({name: content[name] for name in ("classes", "confusion")}))


def show_report(artifact: dsl.HTML, folder: Any) -> None:
    """The HTML report of a step's output folder."""
    _write(artifact.path, (Path(folder.path) / "report.html").read_text(encoding="utf-8"))


def _write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
