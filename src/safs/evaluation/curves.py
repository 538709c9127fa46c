"""What the chosen activations look like, as numbers and as an inline SVG."""

from collections.abc import Mapping
from math import ceil
from typing import Any

import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from torch import nn

from safs.activations import Activation, activation_sites
from safs.evaluation.charts import COLOURS, STYLE, inline_svg

REACH, POINTS, COLUMNS = 4.0, 81, 5


def activation_curves(model: nn.Module) -> dict[str, dict[str, Any]]:
    """By site, its operator and its output on [-4, 4] with the learnt scales; a mean and a range over the channels.

    Returns:
        operator, and the lists x, mean, low, high of the same length; values that are not finite are None.
    """
    return {name: _curve(site) for name, site in activation_sites(model).items()}


@torch.no_grad()
def _curve(site: Activation) -> dict[str, Any]:
    x = torch.linspace(-REACH, REACH, POINTS, dtype=torch.float64)
    channels = site.channels if site.scales == "channel" and site.channels else 1
    spread = x.float().repeat(channels, 1).t()  # [points, channels]
    shape = [1] * max(2, site.axis % 4 + 1)  # a negative axis counts from the end of [batch, channels, height, width]
    shape[0], shape[site.axis % len(shape)] = POINTS, channels
    y = site(spread.reshape(shape).clone()).reshape(POINTS, channels).double()
    columns = {"mean": y.mean(1), "low": y.amin(1), "high": y.amax(1)}
    rounded = {name: [_number(v) for v in values.tolist()] for name, values in columns.items()}
    return {"operator": site.operator.name, "x": [round(v, 3) for v in x.tolist()], **rounded}


def _number(value: float) -> float | None:
    return float(f"{value:.4g}") if abs(value) < float("inf") else None


def curves_chart(curves: Mapping[str, Mapping[str, Any]]) -> str:
    """A small picture a site: the curve, the range of the channels shaded, ReLU dashed."""
    rows, columns = ceil(len(curves) / COLUMNS), min(COLUMNS, len(curves))
    with rc_context(STYLE):
        figure = Figure(figsize=(1.9 * columns, 1.8 * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes in panels[len(curves) :]:
            axes.set_axis_off()
        for axes, (site, curve) in zip(panels, curves.items(), strict=False):
            x = curve["x"]
            values = {name: [float("nan") if v is None else v for v in curve[name]] for name in ("mean", "low", "high")}
            axes.plot(x, [max(v, 0.0) for v in x], "--", c=COLOURS[0], lw=0.8)
            axes.fill_between(x, values["low"], values["high"], color=COLOURS[4], alpha=0.2, lw=0)
            axes.plot(x, values["mean"], c=COLOURS[4], lw=1.6)
            axes.set_title(f"{site}: {curve['operator']}", fontsize=8, parse_math=False)
            axes.tick_params(labelsize=6)
            axes.grid(alpha=0.2)
        return inline_svg(figure, "The chosen activations")
