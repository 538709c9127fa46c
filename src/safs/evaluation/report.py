"""The report on evaluations."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from safs.evaluation.charts import accuracy_chart, confusion_chart
from safs.evaluation.curves import curves_chart
from safs.evaluation.decision import Rates, decide
from safs.evaluation.front_chart import front_chart
from safs.evaluation.insight_section import render_insight
from safs.evaluation.mistakes import class_rows
from safs.pages import render_page
from safs.version import VERSION

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


def render_report(
    evaluations: Sequence[dict[str, Any]],
    chosen: dict[str, Any] | None = None,
    reason: str = "",
    rates: Rates = Rates(),
) -> str:
    """Render evaluations, one a sparsity, and the selection if there is one.

    Args:
        evaluations: contents of `evaluation.json`, by rising sparsity, with that of `insight.json` under `insight` and that
            of `serving.json` under `serving`.
        chosen: the selected model's entry.
        reason: why it was selected, or why nothing was.
        rates: what computing costs, for the first screen.
    """
    entries = [
        {
            **entry,
            "best_sparse_mean": best_sparse_mean(entry),
            "inside": render_insight(entry, LABELS),
            "class_rows": class_rows(entry["confusion"], entry["classes"]),
            **_of_best_seed(entry),
        }
        for entry in evaluations
    ]
    made = decide(evaluations, chosen, rates)
    found = {column.label: column.measured for column in made.columns}
    first = render_page(
        "evaluation/decision.html.jinja",
        d=made,
        measured=all(found.values()),
        dense=found["dense"],
        safs=found["SAFS"],
        infinity=float("inf"),
    )
    all_measured = all(entry.get("serving", {}).get("models") for entry in evaluations)
    pictures = [Markup(confusion_chart(entry["confusion"], entry["classes"])) for entry in evaluations]  # noqa: S704
    return render_page(
        "evaluation/report.html.jinja",
        decision=Markup(first),  # noqa: S704
        front=Markup(front_chart(evaluations)) if all_measured else "",  # noqa: S704
        version=VERSION,
        evaluations=list(zip(entries, pictures, strict=True)),
        chart=Markup(accuracy_chart(evaluations, LABELS)),  # noqa: S704
        chosen=chosen,
        reason=reason,
        labels=LABELS,
    )


def _of_best_seed(entry: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of the safs model with the best validation accuracy."""
    seed = max(entry["models"], key=lambda model: model["validation_accuracy"])["seed"]
    insight = entry.get("insight", {})
    curves = insight.get("curves", {}).get(str(seed))
    return {
        "best_seed": seed,
        "curves": Markup(curves_chart(curves)) if curves else "",  # noqa: S704
        "mistakes": insight.get("mistakes", []),
    }
