"""Step 7: the sparse model to put into production, if one is good enough."""

import shutil
from pathlib import Path
from typing import Any, Literal

from safs.errors import SafsError
from safs.steps.arguments import Amount, Fraction, Natural
from safs.steps.context import Context
from safs.steps.work import work_folder

Preference = Literal["accuracy", "size"]


def select(
    evaluations: list[Path],
    models: list[Path],
    out: Path,
    accuracy_floor: Fraction = 0.0,
    max_bytes: Natural = 0,
    prefer: Preference = "accuracy",
    core_hour_price: Amount = 0.05,
    core_watts: Amount = 10.0,
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Choose the best SAFS model over all sparsities and seeds, on validation accuracy alone.

    Args:
        evaluations: Folders of evaluations, the outputs of evaluate.
        models: Folders of fine-tuned models, the outputs of finetune.
        out: Folder to write selection.json, report.html and the chosen model to.
        accuracy_floor: Validation accuracy a model must reach, in [0, 1].
        max_bytes: Largest size in the sparse form, in bytes; 0 for no limit.
        prefer: Among the models that qualify take the most accurate one (accuracy) or the smallest (size).
        core_hour_price: What a core costs for an hour, in any currency; the report counts with it.
        core_watts: Power of a busy core; the report counts with it.

    Raises:
        SafsError: an input is missing or damaged.
    """
    from safs.evaluation.decision import Rates
    from safs.evaluation.report import render_report
    from safs.evaluation.selection import choose, find_model, read_evaluation
    from safs.files import write_json, write_text

    if not evaluations:
        raise SafsError("there are no evaluations to select from; name the output folders of evaluate")
    inputs = {"evaluations": evaluations, "models": models, "limits": [accuracy_floor, max_bytes, prefer]}
    rates = Rates(core_hour_price, core_watts)
    context.tracker.progress(0, 1, "validation accuracy")
    with work_folder("select", out, context, **inputs, rates=vars(rates)) as work:
        read = sorted((read_evaluation(folder) for folder in evaluations), key=lambda e: e["sparsity"])
        chosen, reason = choose(read, accuracy_floor, max_bytes, prefer)
        if chosen:
            shutil.copytree(find_model(models, chosen), work / "model", dirs_exist_ok=True)
        figures = [
            {name: value for name, value in entry.items() if name not in ("insight", "serving")} for entry in read
        ]
        write_json(work / "selection.json", {"chosen": chosen, "reason": reason, "evaluations": figures})
        write_text(work / "report.html", render_report(read, chosen, reason, rates))
    if chosen:
        sizes = {"bytes": chosen["bytes"], "sparsity": chosen["sparsity"]}
        context.tracker.metrics({"validation_accuracy": chosen["validation_accuracy"], **sizes})
    context.tracker.file(out / "report.html")
    context.tracker.progress(1, 1, reason)
    return {"qualified": chosen is not None, "reason": reason, **(chosen or {})}
