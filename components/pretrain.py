"""The KFP component of `safs.steps.pretrain`."""

from typing import List

from kfp import dsl

from safs.kubeflow.definition import step_component
from safs.steps import STEPS


@step_component(STEPS["pretrain"])
def pretrain(
    data: dsl.Input[dsl.Dataset],
    out: dsl.Output[dsl.Model],
    model: str = "lenet5",
    seeds: List[int] = [0, 1, 2],
    dense_epochs: int = 30,
    optimizer: str = "adam",
    learning_rate: float = 1e-3,
    weight_decay: float = 5e-4,
    batch_size: int = 64,
    momentum: float = 0.9,
    schedule: str = "constant",
    warmup: float = 0.0,
    label_smoothing: float = 0.0,
    augment: str = "none",
    patience: int = 0,
    backend: str = "auto",
    device: str = "auto",
    precision: str = "float32",
    excluded_sites: List[str] = [],
    memory_gib: float = 0.0,
    code_version: str = "",
):
    from safs.kubeflow.component import execute

    compute = {"backend": backend, "device": device, "precision": precision}
    execute(
        "pretrain",
        data=data,
        out=out,
        model=model,
        seeds=seeds,
        dense_epochs=dense_epochs,
        optimizer=optimizer,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        batch_size=batch_size,
        momentum=momentum,
        schedule=schedule,
        warmup=warmup,
        label_smoothing=label_smoothing,
        augment=augment,
        patience=patience,
        excluded_sites=excluded_sites,
        **compute,
        memory_gib=memory_gib,
    )
