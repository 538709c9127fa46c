"""How a search got to its choice, as inline SVG."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from matplotlib import rc_context
from matplotlib.figure import Figure

from safs.evaluation.charts import COLOURS, STYLE, inline_svg


def search_chart(search: Mapping[str, Sequence[Sequence[float]]]) -> str:
    """Validation accuracy of every training against the epochs spent: a dot a training, a line the best so far.

    Args:
        search: by seed, [epochs spent until then, the training's own epochs, validation accuracy]; larger dots were
            trained for longer.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(7.5, 2.8))
        axes = figure.add_subplot()
        for number, (seed, looks) in enumerate(search.items()):
            colour = COLOURS[1 + number % (len(COLOURS) - 1)]
            spent, epochs, accuracy = zip(*looks, strict=True)
            best = [100 * value for value in accumulate(accuracy, max)]
            axes.step(spent, best, where="post", c=colour, lw=1.5, label=f"seed {seed}")
            longest = max(epochs)
            sizes = [6 + 30 * count / longest for count in epochs]
            axes.scatter(spent, [100 * value for value in accuracy], s=sizes, c=colour, alpha=0.45, linewidths=0)
        axes.set_xlabel("epochs spent on the search")
        axes.set_ylabel("validation accuracy, %")
        axes.grid(alpha=0.25)
        axes.legend(ncols=6, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=8)
        return inline_svg(figure, "Validation accuracy over the search")
