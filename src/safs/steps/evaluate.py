"""Step 6: what the method is worth on test data."""

from pathlib import Path
from typing import Any

from safs.steps.context import Context
from safs.steps.work import work_folder


def evaluate(
    data: Path,
    dense: Path,
    models: Path,
    out: Path,
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
        out: Folder to write evaluation.json and report.html to.

    Raises:
        SafsError: an input is missing or damaged, or the dense and sparse models have different seeds.
    """
    from safs.evaluation.measurement import evaluate_seeds
    from safs.evaluation.report import render_report
    from safs.files import write_json, write_text

    context.tracker.progress(0, 1, "test data")
    with work_folder("evaluate", out, context, data=data, dense=dense, models=models) as work:
        evaluation = evaluate_seeds(data, dense, models)
        write_json(work / "evaluation.json", evaluation)
        write_text(work / "report.html", render_report([evaluation]))
    variants = evaluation["variants"]
    metrics = {f"{name}_test_accuracy": values["test_mean"] for name, values in variants.items()}
    spreads = {f"{name}_test_spread": values["test_spread"] for name, values in variants.items()}
    sizes = {"weights_left": evaluation["weights_left"], "sparse_bytes": evaluation["sparse_bytes"]}
    context.tracker.metrics({**metrics, **spreads, **sizes, "safs_gain": evaluation["gain_mean"]})
    context.tracker.file(out / "report.html")
    context.tracker.progress(
        1, 1, f"relu {metrics['relu_test_accuracy']:.2%}, safs {metrics['safs_test_accuracy']:.2%}"
    )
    return {"sparsity": evaluation["sparsity"], **metrics, **sizes}
