"""The report's pictures of what happens inside the networks, as inline SVG."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from safs.evaluation.charts import COLOURS, STYLE, inline_svg

Records = Sequence[Mapping[str, Any]]


def ablation_chart(ablation: Mapping[str, Any]) -> str:
    """By site, how many points of validation accuracy are lost with the original operator: a dot a seed, a bar the mean.

    Args:
        ablation: results of `ablate` by seed.
    """
    sites = list(next(iter(ablation.values()))["sites"])
    with rc_context(STYLE):
        figure = Figure(figsize=(7.5, 0.6 + 0.4 * len(sites)))
        axes = figure.add_subplot()
        for place, site in enumerate(sites):
            found = [result["sites"][site] for result in ablation.values()]
            drops = [100 * entry["drop"] for entry in found]
            axes.barh(place, mean(drops), height=0.5, color=COLOURS[4], alpha=0.35)
            axes.scatter(drops, [place] * len(drops), s=14, c=COLOURS[4], alpha=0.8)
        names = [", ".join(sorted({r["sites"][site]["operator"] for r in ablation.values()})) for site in sites]
        labels = [f"{site}: {name}" for site, name in zip(sites, names, strict=True)]
        axes.set_yticks(range(len(sites)), labels, parse_math=False, fontsize=8)
        axes.invert_yaxis()
        axes.axvline(0, color="k", lw=0.8)
        axes.set_xlabel("points of validation accuracy lost with the original operator")
        axes.grid(axis="x", alpha=0.25)
        return inline_svg(figure, "What each operator is worth")


def training_chart(training: Mapping[str, Mapping[str, Records]], labels: Mapping[str, str]) -> str:
    """Gradient norm by layer and dead units by site over the training: layers down, epochs across, mean of the seeds.

    Args:
        training: records of `Recorder` by variant and seed; all with the same layers.
        labels: what to call each variant.
    """
    with rc_context({**STYLE, "axes.spines.left": False, "axes.spines.bottom": False}):
        rows = max(len(seeds[next(iter(seeds))][0]["gradient_norm"]) for seeds in training.values())
        figure = Figure(figsize=(9.5, 1.6 + 0.36 * rows), layout="constrained")
        grid = figure.subplots(2, len(training), squeeze=False)
        for column, (variant, seeds) in enumerate(training.items()):
            norms, dead = gradient_table(seeds), dead_table(seeds)
            for axes, (names, epochs, values), what, style in (
                (grid[0, column], norms, "log10 of the gradient norm", {"cmap": "viridis"}),
                (grid[1, column], dead, "dead units, %", {"cmap": "Reds", "vmin": 0, "vmax": 100}),
            ):
                shown = axes.imshow(values, aspect="auto", **style)
                figure.colorbar(shown, ax=axes, shrink=0.9)
                axes.set_title(f"{labels[variant]}: {what}", fontsize=9)
                axes.set_xticks(range(len(epochs)), epochs, fontsize=7)
                axes.set_yticks(range(len(names)), names, parse_math=False, fontsize=7)
                axes.set_xlabel("epoch", fontsize=8)
        return inline_svg(figure, "Gradient norms and dead units over the training")


Table = tuple[list[str], list[int], NDArray[np.float64]]


def gradient_table(seeds: Mapping[str, Records]) -> Table:
    """Layers, epochs and log10 of the gradient norm [layers, epochs], mean over the seeds; 0 counts as 1e-12."""
    names = list(next(iter(seeds.values()))[0]["gradient_norm"])
    epochs, values = _collect(seeds, lambda record, name: record["gradient_norm"].get(name), names)
    with np.errstate(divide="ignore"):
        return [name.removesuffix(".weight") for name in names], epochs, np.log10(np.maximum(values, 1e-12))


def dead_table(seeds: Mapping[str, Records]) -> Table:
    """Sites, epochs and the percentage of dead units [sites, epochs], mean over the seeds."""
    names = list(next(iter(seeds.values()))[0]["sites"])
    epochs, values = _collect(seeds, lambda record, name: record["sites"].get(name, {}).get("dead"), names)
    return names, epochs, 100 * values


def _collect(seeds: Mapping[str, Records], value: Any, names: Sequence[str]) -> tuple[list[int], NDArray[np.float64]]:
    """Epochs and the mean value [names, epochs] over the seeds that have one; NaN where none has."""
    epochs = sorted({record["epoch"] for records in seeds.values() for record in records})
    table = np.full((len(names), len(epochs)), np.nan)
    for row, name in enumerate(names):
        for column, epoch in enumerate(epochs):
            found = [value(r, name) for records in seeds.values() for r in records if r["epoch"] == epoch]
            numbers = [number for number in found if number is not None]
            if numbers:
                table[row, column] = mean(numbers)
    return epochs, table
