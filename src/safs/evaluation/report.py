"""The report on evaluations."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from safs.evaluation.charts import accuracy_chart, confusion_chart
from safs.evaluation.insight_section import render_insight
from safs.evaluation.page import render

LABELS = {
    "dense": "dense",
    "relu": "pruned, ReLU",
    "stage1": "stage 1 only",
    "stage2": "stage 2 only",
    "safs": "SAFS",
}


def best_sparse_mean(evaluation: dict[str, Any]) -> float:
    """The best mean test accuracy among the sparse variants, for the table to stress."""
    return max(float(values["test_mean"]) for name, values in evaluation["variants"].items() if name != "dense")


def render_report(evaluations: Sequence[dict[str, Any]], chosen: dict[str, Any] | None = None, reason: str = "") -> str:
    """Render evaluations, one a sparsity, and the selection if there is one.

    Args:
        evaluations: contents of `evaluation.json`, by rising sparsity, with that of `insight.json` under `insight`.
        chosen: the selected model's entry.
        reason: why it was selected, or why nothing was.
    """
    entries = [
        {**entry, "best_sparse_mean": best_sparse_mean(entry), "inside": render_insight(entry, LABELS)}
        for entry in evaluations
    ]
    pictures = [Markup(confusion_chart(entry["confusion"], entry["classes"])) for entry in evaluations]  # noqa: S704
    return render(
        "report",
        evaluations=list(zip(entries, pictures, strict=True)),
        chart=Markup(accuracy_chart(evaluations, LABELS)),  # noqa: S704
        chosen=chosen,
        reason=reason,
        labels=LABELS,
    )
