"""What each activation costs on the machine that will serve the model."""

from pathlib import Path
from typing import Any

from safs.steps.context import Context
from safs.steps.work import work_folder


def price(out: Path, *, context: Context = Context()) -> dict[str, Any]:
    """Measure what each activation operator takes in the runtime, on one core of this machine.

    Run it where the model will be served, and hand the file to search --objective pareto --prices. Where there is no torch,
    python -m safs.runtime.prices prints the same.

    Args:
        out: Folder to write prices.json to, nanoseconds a number by operator.
    """
    from safs.files import write_json
    from safs.runtime.prices import operator_prices

    context.tracker.progress(0, 1, "operators")
    with work_folder("price", out, context) as work:
        prices = operator_prices()
        write_json(work / "prices.json", prices)
    context.tracker.metrics({f"{name}_nanoseconds": value for name, value in prices.items()})
    context.tracker.progress(1, 1, f"{len(prices)} operators")
    return prices
