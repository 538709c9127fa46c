"""The KFP component of `safs.steps.evaluate`, with its metrics, report and confusion matrix as KFP shows them."""

from kfp import dsl

from safs.kubeflow.definition import step_component
from safs.steps import STEPS


@step_component(STEPS["evaluate"])
def evaluate(
    data: dsl.Input[dsl.Dataset],
    dense: dsl.Input[dsl.Model],
    models: dsl.Input[dsl.Model],
    out: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    confusion: dsl.Output[dsl.ClassificationMetrics],
    report: dsl.Output[dsl.HTML],
    ablation_epochs: int = 1,
    serving_seconds: float = 0.2,
    memory_gib: float = 0.0,
    code_version: str = "",
):
    from safs.kubeflow.component import execute
    from safs.kubeflow.views import show_confusion, show_metrics, show_report

    summary = execute(
        "evaluate",
        data=data,
        dense=dense,
        models=models,
        out=out,
        ablation_epochs=ablation_epochs,
        serving_seconds=serving_seconds,
        memory_gib=memory_gib,
    )
    show_metrics(metrics, summary)
    show_confusion(confusion, out)
    show_report(report, out)
