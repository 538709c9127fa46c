"""The training pipeline: from a data set to a registered sparse model."""

from typing import List, NamedTuple

from kfp import dsl

from components.evaluate import evaluate
from components.finetune import finetune
from components.prepare import prepare
from components.pretrain import pretrain
from components.prune import prune
from components.register import register
from components.search import search
from components.select import select
from safs.kubeflow.parameters import documented


@dsl.pipeline(name="safs-training")
@documented
def training(
    dataset: str = "digits",
    data_root: str = "",
    split_seed: int = 0,
    max_examples: int = 0,
    image_size: int = 0,
    group_pattern: str = "",
    bad_files: str = "refuse",
    window: int = 64,
    stride: int = 0,
    columns: List[str] = [],
    drop_columns: List[str] = [],
    label_column: str = "label",
    missing_label: str = "",
    time_column: str = "",
    split_by: str = "file",
    scaling: str = "ranks",
    normal_class: str = "",
    balance: bool = False,
    memory_gib: float = 0.0,
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
    sparsities: List[float] = [0.9, 0.95, 0.99],
    scope: str = "layerwise",
    criterion: str = "magnitude",
    prune_schedule: str = "one-shot",
    prune_epochs: int = 8,
    rewind: bool = False,
    coverage: bool = False,
    ignore: List[str] = [],
    prune_learning_rate: float = 2e-3,
    prune_weight_decay: float = 1e-4,
    candidates: int = 32,
    search_epochs: int = 8,
    min_epochs: int = 2,
    halving: int = 4,
    strategy: str = "late-acceptance",
    history: int = 3,
    generation: int = 4,
    uniform: bool = True,
    operators: List[str] = [],
    objective: str = "accuracy",
    prices: str = "",
    search_learning_rate: float = 1e-2,
    search_weight_decay: float = 0.0,
    warm_start: str = "",
    workers: int = 1,
    storage: str = "",
    trials: int = 8,
    trial_epochs: int = 6,
    epochs: int = 30,
    insight_every: int = 5,
    ablation_epochs: int = 1,
    serving_seconds: float = 0.2,
    scales: str = "layer",
    accuracy_floor: float = 0.0,
    max_bytes: int = 0,
    prefer: str = "accuracy",
    core_hour_price: float = 0.05,
    core_watts: float = 10.0,
    model_name: str = "safs",
    code_version: str = "",
) -> NamedTuple("Outputs", [("selection", dsl.Model)]):
    version = {"code_version": code_version}
    defaults = {
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "batch_size": batch_size,
        "momentum": momentum,
        "schedule": schedule,
        "warmup": warmup,
        "label_smoothing": label_smoothing,
        "augment": augment,
        "patience": patience,
        "backend": backend,
        "device": device,
        "precision": precision,
    }
    data = prepare(
        dataset=dataset,
        data_root=data_root,
        split_seed=split_seed,
        max_examples=max_examples,
        image_size=image_size,
        group_pattern=group_pattern,
        bad_files=bad_files,
        window=window,
        stride=stride,
        columns=columns,
        drop_columns=drop_columns,
        label_column=label_column,
        missing_label=missing_label,
        time_column=time_column,
        split_by=split_by,
        scaling=scaling,
        normal_class=normal_class,
        balance=balance,
        memory_gib=memory_gib,
        **version,
    ).outputs["out"]
    dense = pretrain(
        data=data,
        model=model,
        seeds=seeds,
        dense_epochs=dense_epochs,
        excluded_sites=excluded_sites,
        **defaults,
        **version,
    ).outputs["out"]
    with dsl.ParallelFor(items=sparsities, name="sparsities") as sparsity:
        pruned = prune(
            data=data,
            models=dense,
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
            **version,
        ).outputs["out"]
        found = search(
            data=data,
            models=pruned,
            candidates=candidates,
            search_epochs=search_epochs,
            min_epochs=min_epochs,
            halving=halving,
            strategy=strategy,
            history=history,
            generation=generation,
            uniform=uniform,
            operators=operators,
            objective=objective,
            prices=prices,
            search_learning_rate=search_learning_rate,
            search_weight_decay=search_weight_decay,
            batch_size=batch_size,
            warm_start=warm_start,
            workers=workers,
            storage=storage,
            backend=backend,
            device=device,
            **version,
        ).outputs["out"]
        tuned = finetune(
            data=data,
            models=pruned,
            activations=found,
            trials=trials,
            trial_epochs=trial_epochs,
            epochs=epochs,
            insight_every=insight_every,
            scales=scales,
            **defaults,
            **version,
        ).outputs["out"]
        evaluated = evaluate(
            data=data,
            dense=dense,
            models=tuned,
            ablation_epochs=ablation_epochs,
            serving_seconds=serving_seconds,
            **version,
        ).outputs["out"]
    chosen = select(
        evaluations=dsl.Collected(evaluated),
        models=dsl.Collected(tuned),
        accuracy_floor=accuracy_floor,
        max_bytes=max_bytes,
        prefer=prefer,
        core_hour_price=core_hour_price,
        core_watts=core_watts,
        **version,
    )
    with dsl.If(chosen.outputs["Output"] == "yes", name="a-model-qualified"):
        task = register(data=data, selection=chosen.outputs["out"], model_name=model_name, **version)
        task.set_caching_options(False)  # the registry may have changed since; registering twice is harmless
    outputs = NamedTuple("Outputs", [("selection", dsl.Model)])
    return outputs(selection=chosen.outputs["out"])
