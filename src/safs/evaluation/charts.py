"""The report's pictures, as inline SVG."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

COLOURS = ("#6b7280", "#d97706", "#0891b2", "#7c3aed", "#15803d")
STYLE: Any = {"svg.hashsalt": "safs", "font.family": "sans-serif", "axes.spines.top": False, "axes.spines.right": False}


def inline_svg(figure: Figure, label: str) -> str:
    """A figure as an SVG element for a page, the same bytes for the same figure; the label is for screen readers."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    svg = buffer.getvalue()
    return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def accuracy_chart(evaluations: Sequence[dict[str, Any]], labels: Mapping[str, str]) -> str:
    """Test accuracy of every variant at every sparsity: a dot a seed, a bar at the mean."""
    with rc_context(STYLE):
        figure = Figure(figsize=(7.5, 3.2))
        axes = figure.add_subplot()
        for index, (name, colour) in enumerate(zip(labels, COLOURS, strict=True)):
            for place, evaluation in enumerate(evaluations):
                values = evaluation["variants"][name]
                x = place + (index - 2) * 0.15
                axes.scatter([x] * len(values["test"]), [100 * v for v in values["test"]], s=14, c=colour, alpha=0.6)
                mean = 100 * values["test_mean"]
                axes.hlines(mean, x - 0.06, x + 0.06, colors=colour, lw=3, label="" if place else labels[name])
        axes.set_xticks(range(len(evaluations)), [f"{100 * e['sparsity']:g}% zeros" for e in evaluations])
        axes.set_ylabel("test accuracy, %")
        axes.grid(axis="y", alpha=0.25)
        axes.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=8)
        return inline_svg(figure, "Test accuracy by sparsity and variant")


def confusion_chart(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """A confusion matrix, true classes down, predicted ones across; counts are written in."""
    with rc_context(STYLE):
        figure = Figure(figsize=(4.2, 4.2))
        axes = figure.add_subplot()
        axes.imshow(matrix, cmap="Greens")
        limit = max(max(row) for row in matrix) / 2
        for i, row in enumerate(matrix):
            for j, count in enumerate(row):
                if count:
                    axes.text(
                        j, i, str(count), ha="center", va="center", fontsize=8, color="w" if count > limit else "k"
                    )
        axes.set_xticks(range(len(classes)), classes, parse_math=False)
        axes.set_yticks(range(len(classes)), classes, parse_math=False)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        return inline_svg(figure, "Confusion matrix")
