"""The report on evaluations, made again: with other prices, of other runs."""

from pathlib import Path
from typing import Any

from safs.errors import SafsError
from safs.steps.arguments import Amount
from safs.steps.context import Context
from safs.steps.work import work_folder


def report(
    evaluations: list[Path],
    out: Path,
    core_hour_price: Amount = 0.05,
    core_watts: Amount = 10.0,
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Write one self-contained page: what was won, what it costs, when it pays, and what is inside the networks.

    It is about the model with the best validation accuracy. Its own page is made by select, for the model that it chooses.

    Args:
        evaluations: Folders of evaluations, the outputs of evaluate, one a sparsity.
        out: Folder to write report.html to.
        core_hour_price: What a core costs for an hour, in any currency.
        core_watts: Power of a busy core.

    Raises:
        SafsError: an input is missing or damaged.
    """
    from dataclasses import asdict

    from safs.evaluation.decision import Rates, decide
    from safs.evaluation.report import render_report
    from safs.evaluation.selection import read_evaluation
    from safs.files import write_text

    if not evaluations:
        raise SafsError("there are no evaluations to report on; name the output folders of evaluate")
    rates = Rates(core_hour_price, core_watts)
    with work_folder("report", out, context, evaluations=evaluations, rates=vars(rates)) as work:
        read = sorted((read_evaluation(folder) for folder in evaluations), key=lambda e: e["sparsity"])
        write_text(work / "report.html", render_report(read, None, "", rates))
        decision = asdict(decide(read, None, rates))
    context.tracker.file(out / "report.html")
    return {
        name: decision[name] for name in ("sparsity", "core_hours", "money", "pays_after") if decision[name] is not None
    }
