"""The report's section on what happens inside the networks of a sparsity."""

from collections.abc import Mapping
from statistics import mean, stdev
from typing import Any

from markupsafe import Markup

from safs.evaluation.insight_charts import ablation_chart, training_chart
from safs.evaluation.search_chart import search_chart
from safs.pages import render_page


def render_insight(evaluation: Mapping[str, Any], labels: Mapping[str, str]) -> Markup:
    """Render an evaluation's `insight`; nothing if it has none.

    Args:
        evaluation: content of `evaluation.json` with that of `insight.json` under `insight`.
        labels: what to call each variant.
    """
    insight = evaluation.get("insight")
    if not insight:
        return Markup()
    best = max(evaluation["models"], key=lambda entry: entry["validation_accuracy"])["seed"]
    training = {variant: seeds for variant, seeds in insight["training"].items() if seeds}
    return Markup(  # noqa: S704
        render_page(
            "evaluation/insight.html.jinja",
            ablation=ablation_rows(insight["ablation"]),
            epochs=next(iter(insight["ablation"].values()))["epochs"],
            seeds=len(insight["ablation"]),
            ablation_chart=Markup(ablation_chart(insight["ablation"])),  # noqa: S704
            training_chart=Markup(training_chart(training, labels)) if training else "",  # noqa: S704
            search_chart=Markup(search_chart(insight["search"])) if insight.get("search") else "",  # noqa: S704
            best=best,
            activations={variant: seeds[str(best)] for variant, seeds in insight["activations"].items()},
            labels=labels,
        )
    )


def ablation_rows(ablation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """By site: the operators of the seeds, the original one, mean and sample spread of the drop over the seeds."""
    rows = []
    for site, first in next(iter(ablation.values()))["sites"].items():
        found = [result["sites"][site] for result in ablation.values()]
        drops = [entry["drop"] for entry in found]
        rows.append(
            {
                "site": site,
                "operators": [entry["operator"] for entry in found],
                "original": first["original"],
                "mean": mean(drops),
                "spread": stdev(drops) if len(drops) > 1 else 0.0,
            }
        )
    return rows
