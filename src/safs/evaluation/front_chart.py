"""Accuracy against what serving takes, as inline SVG."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from safs.evaluation.charts import COLOURS, STYLE, inline_svg
from safs.evaluation.decision import milliseconds

SHOWN = {"relu": ("pruned, ReLU", COLOURS[1]), "safs": ("SAFS", COLOURS[4])}


def front_chart(evaluations: Sequence[dict[str, Any]]) -> str:
    """Mean test accuracy against milliseconds and bytes of the measured models: a line a variant, a point a sparsity.

    Args:
        evaluations: contents of `evaluation.json` with that of `serving.json` under `serving`.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(9, 3.2), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        kinds: list[tuple[Any, str, Callable[[Mapping[str, Any]], float]]] = [
            (panels[0], "milliseconds a prediction, one core", milliseconds),
            (panels[1], "bytes of the file", itemgetter("bytes")),
        ]
        for axes, label, value in kinds:
            for name, (text, colour) in SHOWN.items():
                found = [(value(e["serving"]["models"][name]), e) for e in evaluations]
                points = sorted((x, 100 * e["variants"][name]["test_mean"], e["sparsity"]) for x, e in found)
                axes.plot([p[0] for p in points], [p[1] for p in points], "o-", c=colour, ms=5, lw=1, label=text)
                for x, y, sparsity in points if name == "safs" else []:
                    axes.annotate(f"{100 * sparsity:g}%", (x, y), (4, -10), textcoords="offset points", fontsize=7)
            dense = evaluations[0]
            x, y = value(dense["serving"]["models"]["dense"]), 100 * dense["variants"]["dense"]["test_mean"]
            axes.plot([x], [y], "s", c=COLOURS[0], ms=6, label="dense")
            axes.set(xscale="log", xlabel=label)
            axes.grid(alpha=0.25)
        panels[0].set_ylabel("test accuracy, %")
        panels[0].legend(frameon=False, fontsize=8)
        return inline_svg(figure, "Test accuracy against milliseconds and bytes")
