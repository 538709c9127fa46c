"""The report on a data set that `prepare` writes."""

from collections.abc import Mapping

from markupsafe import Markup

from safs.data.dataset import DatasetInfo, Examples, Part
from safs.data.profile import profile
from safs.evaluation.samples import CLASSES, COLOURS, image_strip, series_chart
from safs.pages import render_page


def render_data_report(info: DatasetInfo, parts: Mapping[Part, Examples]) -> str:
    """Sizes, class balance, ranges, repeated examples, notes, and examples of the training part to look at."""
    shown = range(min(len(info.classes), CLASSES))
    images = len(info.shape) == 3
    training = parts["train"]
    colours = len(COLOURS)
    return render_page(
        "evaluation/data_report.html.jinja",
        info=info,
        profile=profile(parts, info.classes),
        channels=channel_names(info),
        strips=[(info.classes[label], image_strip(training, label)) for label in shown] if images else [],
        charts=[]
        if images
        else [
            (name, Markup(series_chart(training, channel, shown[:colours])))  # noqa: S704
            for channel, name in enumerate(channel_names(info))
        ],
        legend=list(zip(info.classes, COLOURS, strict=False)),
    )


def channel_names(info: DatasetInfo) -> tuple[str, ...]:
    """What the channels are called."""
    if info.channels:
        return info.channels
    count = info.shape[0]
    if len(info.shape) == 3 and count in {1, 3}:
        return ("grey",) if count == 1 else ("red", "green", "blue")
    return tuple(f"channel {number + 1}" for number in range(count))
