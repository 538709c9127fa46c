"""The KFP component of `safs.steps.select`; it returns whether there is a model to register."""

from typing import List

from kfp import dsl

from safs.kubeflow.definition import step_component
from safs.steps import STEPS


@step_component(STEPS["select"])
def select(
    evaluations: dsl.Input[List[dsl.Artifact]],
    models: dsl.Input[List[dsl.Model]],
    out: dsl.Output[dsl.Model],
    report: dsl.Output[dsl.HTML],
    accuracy_floor: float = 0.0,
    max_bytes: int = 0,
    prefer: str = "accuracy",
    core_hour_price: float = 0.05,
    core_watts: float = 10.0,
    code_version: str = "",
) -> str:
    from safs.kubeflow.component import execute
    from safs.kubeflow.views import show_report

    summary = execute(
        "select",
        evaluations=evaluations,
        models=models,
        out=out,
        accuracy_floor=accuracy_floor,
        max_bytes=max_bytes,
        prefer=prefer,
        core_hour_price=core_hour_price,
        core_watts=core_watts,
    )
    show_report(report, out)
    return "yes" if summary["qualified"] else "no"
