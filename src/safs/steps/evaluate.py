"""Step 6: what the method is worth on test data."""

from pathlib import Path
from typing import Any

from safs.steps.arguments import Natural
from safs.steps.context import Context
from safs.steps.work import work_folder


def evaluate(
    data: Path,
    dense: Path,
    models: Path,
    out: Path,
    ablation_epochs: Natural = 1,
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Measure dense, pruned ReLU, stage 1, stage 2 and SAFS models on test data, mean and spread over the seeds.

    The variant relu has the model's original operators: ReLU in most models, swish in EfficientNet.

    This is the only step that reads the test part of the data set.

    Args:
        data: Data set folder, the output of prepare.
        dense: Folder of dense models, the output of pretrain.
        models: Folder of fine-tuned models, the output of finetune.
        out: Folder to write evaluation.json, insight.json and report.html to.
        ablation_epochs: Epochs of re-training after a layer of a SAFS model got its original operator back, which shows
            what the searched one is worth; 0 measures without any.

    Raises:
        SafsError: an input is missing or damaged, or the dense and sparse models have different seeds.
    """
    from safs.evaluation.insight import collect_insight
    from safs.evaluation.measurement import evaluate_seeds
    from safs.evaluation.report import render_report
    from safs.evaluation.selection import INSIGHT
    from safs.files import write_json, write_text

    context.tracker.progress(0, 1, "test data")
    inputs = {"data": data, "dense": dense, "models": models, "ablation_epochs": ablation_epochs}
    with work_folder("evaluate", out, context, **inputs) as work:
        evaluation = evaluate_seeds(data, dense, models)
        write_json(work / "evaluation.json", evaluation)
        insight = collect_insight(data, dense, models, ablation_epochs, context.tracker.progress)
        write_json(work / INSIGHT, insight)
        write_text(work / "report.html", render_report([{**evaluation, "insight": insight}]))
    variants = evaluation["variants"]
    metrics = {f"{name}_test_accuracy": values["test_mean"] for name, values in variants.items()}
    spreads = {f"{name}_test_spread": values["test_spread"] for name, values in variants.items()}
    sizes = {"weights_left": evaluation["weights_left"], "sparse_bytes": evaluation["sparse_bytes"]}
    for measure in ("f1", "false_alarm_rate", "missed_alarm_rate") if evaluation["alarms"] else ():
        metrics |= {f"{name}_test_{measure}": values[measure]["mean"] for name, values in evaluation["alarms"].items()}
    context.tracker.metrics({**metrics, **spreads, **sizes, "safs_gain": evaluation["gain_mean"]})
    context.tracker.file(out / "report.html")
    context.tracker.progress(
        1, 1, f"relu {metrics['relu_test_accuracy']:.2%}, safs {metrics['safs_test_accuracy']:.2%}"
    )
    return {"sparsity": evaluation["sparsity"], **metrics, **sizes}
