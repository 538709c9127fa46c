"""Step 6: what the method is worth on test data."""

from pathlib import Path
from typing import Any

from safs.steps.arguments import Amount, Natural
from safs.steps.context import Context
from safs.steps.work import work_folder

NOTHING: dict[str, Any] = {"models": {}, "processor": "", "threads": 0}


def evaluate(
    data: Path,
    dense: Path,
    models: Path,
    out: Path,
    ablation_epochs: Natural = 1,
    serving_seconds: Amount = 0.2,
    memory_gib: Amount = 0.0,
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
        out: Folder to write evaluation.json, insight.json, serving.json and report.html to.
        ablation_epochs: Epochs of re-training after a layer of a SAFS model got its original operator back, which shows
            what the searched one is worth; 0 measures without any.
        serving_seconds: How long to time the dense, the pruned ReLU and the SAFS model of the best seed, at each batch size,
            on one core; 0 measures nothing of it.
        memory_gib: Memory that the data set may take, in GiB; of a larger one only what is needed is read, from disk. 0 takes
            a quarter of what is free. The result is the same.

    Raises:
        SafsError: an input is missing or damaged, or the dense and sparse models have different seeds.
    """
    from safs.evaluation.insight import collect_insight
    from safs.evaluation.measurement import evaluate_seeds
    from safs.evaluation.mistakes import worst_mistakes
    from safs.evaluation.report import render_report
    from safs.evaluation.selection import INSIGHT, SERVING
    from safs.evaluation.serving import measure_serving
    from safs.files import write_json, write_text
    from safs.steps.cost import cost_of

    context.tracker.progress(0, 1, "test data")
    inputs = {
        "data": data,
        "dense": dense,
        "models": models,
        "ablation_epochs": ablation_epochs,
        "serving_seconds": serving_seconds,
    }
    with work_folder("evaluate", out, context, **inputs) as work:
        evaluation = evaluate_seeds(data, dense, models, memory_gib)
        write_json(work / "evaluation.json", evaluation)
        insight = collect_insight(data, dense, models, ablation_epochs, context.tracker.progress, memory_gib)
        best = max(evaluation["models"], key=lambda entry: entry["validation_accuracy"])["seed"]
        tuned = models / f"seed-{best}"
        insight["mistakes"] = worst_mistakes(data, tuned / "safs", memory_gib)
        write_json(work / INSIGHT, insight)
        context.tracker.progress(0, 1, "serving")
        compared = {"dense": dense / f"seed-{best}", "relu": tuned / "relu", "safs": tuned / "safs"}
        measured_now = measure_serving(data, compared, serving_seconds) if serving_seconds else NOTHING
        serving = {**measured_now, "seed": best, "cost": cost_of(models)}
        write_json(work / SERVING, serving)
        write_text(work / "report.html", render_report([{**evaluation, "insight": insight, "serving": serving}]))
    variants = evaluation["variants"]
    metrics = {f"{name}_test_accuracy": values["test_mean"] for name, values in variants.items()}
    spreads = {f"{name}_test_spread": values["test_spread"] for name, values in variants.items()}
    sizes = {"weights_left": evaluation["weights_left"], "sparse_bytes": evaluation["sparse_bytes"]}
    for measure in ("f1", "false_alarm_rate", "missed_alarm_rate") if evaluation["alarms"] else ():
        metrics |= {f"{name}_test_{measure}": values[measure]["mean"] for name, values in evaluation["alarms"].items()}
    measured = {
        f"{name}_{figure}": value
        for name, found in serving["models"].items()
        for figure, value in (
            *((f"milliseconds_batch_{batch}", times[1]) for batch, times in found["milliseconds"].items()),
            ("memory_bytes", found["memory"]),
            ("file_bytes", found["bytes"]),
        )
    }
    context.tracker.metrics({**metrics, **spreads, **sizes, **measured, "safs_gain": evaluation["gain_mean"]})
    context.tracker.file(out / "report.html")
    context.tracker.progress(
        1, 1, f"relu {metrics['relu_test_accuracy']:.2%}, safs {metrics['safs_test_accuracy']:.2%}"
    )
    return {"sparsity": evaluation["sparsity"], **metrics, **sizes}
