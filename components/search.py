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
    candidates: int = 32,
    search_epochs: int = 8,
    min_epochs: int = 2,
    halving: int = 4,
    strategy: str = "genetic",
    history: int = 3,
    generation: int = 4,
    uniform: bool = True,
    operators: List[str] = [],
    objective: str = "accuracy",
    prices: str = "",
    search_learning_rate: float = 1e-2,
    search_weight_decay: float = 0.0,
    batch_size: int = 64,
    warm_start: str = "",
    workers: int = 1,
    storage: str = "",
    backend: str = "auto",
    device: str = "auto",
    memory_gib: float = 0.0,
    code_version: str = "",
):
    from safs.kubeflow.component import execute

    ladder = {"candidates": candidates, "search_epochs": search_epochs, "min_epochs": min_epochs, "halving": halving}
    rates = {"search_learning_rate": search_learning_rate, "search_weight_decay": search_weight_decay}
    execute(
        "search",
        data=data,
        models=models,
        out=out,
        **ladder,
        strategy=strategy,
        history=history,
        generation=generation,
        uniform=uniform,
        operators=operators,
        objective=objective,
        prices=prices,
        **rates,
        batch_size=batch_size,
        warm_start=warm_start,
        workers=workers,
        storage=storage,
        backend=backend,
        device=device,
        memory_gib=memory_gib,
    )
