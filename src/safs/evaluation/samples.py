"""A few examples of every class, to look at."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image

from safs.data.dataset import Examples
from safs.evaluation.charts import STYLE, inline_svg

CLASSES, SAMPLES, WINDOWS = 20, 10, 4
SMALL, LARGE = 48, 128  # pixels that an image is high
COLOURS = ("#0891b2", "#d97706", "#7c3aed", "#15803d", "#be123c", "#6b7280")


def image_strip(examples: Examples, label: int) -> str:
    """The first images of a class side by side, as the address of a PNG picture within a page."""
    tiles = [_tile(x) for x in examples.x[np.flatnonzero(examples.y == label)[:SAMPLES]]]
    width = max(sum(tile.width + 2 for tile in tiles), 1)
    strip = Image.new("RGB", (width, max((tile.height for tile in tiles), default=1)), "white")
    left = 0
    for tile in tiles:
        strip.paste(tile, (left, 0))
        left += tile.width + 2
    buffer = io.BytesIO()
    strip.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _tile(x: np.ndarray) -> Image.Image:
    """One image [channels, height, width]; of other than one or three channels the first is shown."""
    image = Image.fromarray(np.ascontiguousarray(x.transpose(1, 2, 0) if len(x) == 3 else x[0]))
    times = max(1, SMALL // image.height)
    if times > 1:
        return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    image.thumbnail((4 * LARGE, LARGE))
    return image


def series_chart(examples: Examples, channel: int, labels: Sequence[int]) -> str:
    """A channel's values over the first windows of some classes, a colour a class."""
    with rc_context(STYLE):
        figure = Figure(figsize=(6, 1.2))
        axes = figure.add_subplot()
        for number, label in enumerate(labels):
            for x in examples.x[np.flatnonzero(examples.y == label)[:WINDOWS]]:
                axes.plot(x[channel], c=COLOURS[number % len(COLOURS)], lw=0.8, alpha=0.8)
        axes.tick_params(labelsize=7)
        axes.margins(x=0)
        return inline_svg(figure, f"Channel {channel + 1} over a window")
