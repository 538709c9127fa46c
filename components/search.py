"""The KFP component of `safs.steps.search`."""

from typing import List

from kfp import dsl

from safs.kubeflow.definition import step_component
from safs.steps import STEPS


@step_component(STEPS["search"])
def search(
    data: dsl.Input[dsl.Dataset],
    models: dsl.Input[dsl.Model],
    out: dsl.Output[dsl.Artifact],
    candidates: int = 16,
    search_epochs: int = 4,
    history: int = 3,
    operators: List[str] = [],
    search_learning_rate: float = 1e-2,
    search_weight_decay: float = 0.0,
    batch_size: int = 64,
    code_version: str = "",
):
    from safs.kubeflow.component import execute

    execute(
        "search",
        data=data,
        models=models,
        out=out,
        candidates=candidates,
        search_epochs=search_epochs,
        history=history,
        operators=operators,
        search_learning_rate=search_learning_rate,
        search_weight_decay=search_weight_decay,
        batch_size=batch_size,
    )
