"""The KFP component of `safs.steps.prune`."""

from typing import List

from kfp import dsl

from safs.kubeflow.definition import step_component
from safs.steps import STEPS


@step_component(STEPS["prune"])
def prune(
    data: dsl.Input[dsl.Dataset],
    models: dsl.Input[dsl.Model],
    out: dsl.Output[dsl.Model],
    sparsity: float = 0.99,
    scope: str = "layerwise",
    criterion: str = "magnitude",
    prune_schedule: str = "one-shot",
    prune_epochs: int = 8,
    rewind: bool = False,
    coverage: bool = False,
    ignore: List[str] = [],
    optimizer: str = "adam",
    prune_learning_rate: float = 2e-3,
    prune_weight_decay: float = 1e-4,
    batch_size: int = 64,
    backend: str = "auto",
    device: str = "auto",
    memory_gib: float = 0.0,
    code_version: str = "",
):
    from safs.kubeflow.component import execute

    execute(
        "prune",
        data=data,
        models=models,
        out=out,
        sparsity=sparsity,
        scope=scope,
        criterion=criterion,
        prune_schedule=prune_schedule,
        prune_epochs=prune_epochs,
        rewind=rewind,
        coverage=coverage,
        ignore=ignore,
        optimizer=optimizer,
        prune_learning_rate=prune_learning_rate,
        prune_weight_decay=prune_weight_decay,
        batch_size=batch_size,
        backend=backend,
        device=device,
        memory_gib=memory_gib,
    )
