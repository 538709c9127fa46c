"""The KFP component of `safs.steps.finetune`."""

from kfp import dsl

from safs.kubeflow.definition import step_component
from safs.steps import STEPS


@step_component(STEPS["finetune"])
def finetune(
    data: dsl.Input[dsl.Dataset],
    models: dsl.Input[dsl.Model],
    activations: dsl.Input[dsl.Artifact],
    out: dsl.Output[dsl.Model],
    trials: int = 8,
    trial_epochs: int = 6,
    epochs: int = 30,
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
    scales: str = "layer",
    backend: str = "auto",
    device: str = "auto",
    precision: str = "float32",
    insight_every: int = 5,
    memory_gib: float = 0.0,
    code_version: str = "",
):
    from safs.kubeflow.component import execute

    compute = {"backend": backend, "device": device, "precision": precision}
    budget = {"trials": trials, "trial_epochs": trial_epochs, "epochs": epochs, "insight_every": insight_every}
    execute(
        "finetune",
        data=data,
        models=models,
        activations=activations,
        out=out,
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
        scales=scales,
        **budget,
        **compute,
        memory_gib=memory_gib,
    )
