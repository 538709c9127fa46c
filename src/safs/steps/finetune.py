"""Step 5: stage 2 of the method, and the trainings that show what each stage is worth."""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Any

from safs.activations.types import Scales
from safs.steps.arguments import Amount, Count, Decay, Natural, Part, Rate
from safs.steps.context import Context, Tracker
from safs.steps.work import checkpoint_of, work_folder
from safs.training.settings import (
    Augment,
    Backend,
    Compute,
    Device,
    Hyperparameters,
    Optimizer,
    Precision,
    Schedule,
)

if TYPE_CHECKING:
    from torch import nn

    from safs.data.tensors import Batchable
    from safs.training.trainer import Score

WATCHED = ("relu", "safs")


def finetune(
    data: Path,
    models: Path,
    activations: Path,
    out: Path,
    trials: Count = 8,
    trial_epochs: Count = 6,
    epochs: Count = 30,
    optimizer: Optimizer = "adam",
    learning_rate: Rate = 1e-3,
    weight_decay: Decay = 5e-4,
    batch_size: Count = 64,
    momentum: Part = 0.9,
    schedule: Schedule = "constant",
    warmup: Part = 0.0,
    label_smoothing: Part = 0.0,
    augment: Augment = "none",
    patience: Natural = 0,
    scales: Scales = "layer",
    backend: Backend = "auto",
    device: Device = "auto",
    precision: Precision = "float32",
    insight_every: Natural = 5,
    memory_gib: Amount = 0.0,
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Fine-tune every pruned model in four variants, all on the same mask and for the same epochs.

    The variants are relu (the model's original operators, ReLU in most; default hyperparameters), stage1 (searched
    activations, default hyperparameters), stage2 (original operators, learnt scales, tuned hyperparameters) and safs
    (searched activations, learnt scales, tuned hyperparameters).

    Args:
        data: Data set folder, the output of prepare.
        models: Folder of pruned models, the output of prune.
        activations: Folder of searched activations, the output of search.
        out: Folder to write the fine-tuned models to, one folder a seed with one folder a variant.
        trials: Hyperparameter settings to try for each seed; the default ones are the first.
        trial_epochs: Epochs a setting is tried for; hopeless ones are stopped earlier.
        epochs: Epochs of the final training of every variant.
        optimizer: Optimizer of the dense network, and the default one of fine-tuning.
        learning_rate: Learning rate of the dense network, and the default one of fine-tuning.
        weight_decay: Weight decay of the dense network, and the default one of fine-tuning.
        batch_size: Images in a training step.
        momentum: Momentum of sgd, and the default one of fine-tuning.
        schedule: How the learning rate falls over a training, and the default one of fine-tuning.
        warmup: First part of a training in which the learning rate rises from zero; the default one of fine-tuning.
        label_smoothing: What targets give to all classes alike; the default one of fine-tuning.
        augment: Change images at random in training: none, or crop-flip (shifts by up to 4 pixels, and mirrors).
        patience: Epochs without a better validation score after which a training ends; 0 trains all epochs.
        scales: Activation scales that stage 2 learns: one of each a site (layer) or a channel, or none (fixed).
        backend: What trains: torch, native (compiled for sparse networks on the CPU), or auto for the faster one.
        device: Where to train: cpu, cuda, or auto for the GPU if there is one.
        precision: float32, or bfloat16 for automatic mixed precision with torch.
        insight_every: Epochs between two records of gradients, dead units and activations in the final trainings of
            relu and safs; 0 records nothing.
        memory_gib: Memory that the data set may take, in GiB; of a larger one only what is needed is read, from disk. 0 takes
            a quarter of what is free. The result is the same.

    Raises:
        SafsError: an input is missing or damaged, or the activations are not of these models.
    """
    from safs.activations import original_operators
    from safs.data.tensors import load_tensors
    from safs.files import read_fields, write_json
    from safs.finetuning.scales import prepare_model, start_scales
    from safs.finetuning.stage2 import Budget, tune
    from safs.models import load_model, load_spec, save_model, seed_folders
    from safs.pruning.masks import masks_of
    from safs.searching.journal import Journal
    from safs.training.trainer import Score, train

    defaults = Hyperparameters(
        optimizer,
        learning_rate,
        weight_decay,
        batch_size,
        momentum,
        schedule,
        warmup=warmup,
        label_smoothing=label_smoothing,
        augment=augment,
        patience=patience,
    )
    compute = Compute(backend, device, precision)
    training, validation = (load_tensors(data, part, memory_gib) for part in ("train", "validation"))
    budget = Budget(trials, trial_epochs)
    inputs = {"data": data, "models": models, "activations": activations}
    numbers = {
        "budget": vars(budget),
        "epochs": epochs,
        "defaults": vars(defaults),
        "scales": scales,
        "compute": vars(compute),
        "insight_every": insight_every,
    }
    with work_folder("finetune", out, context, **inputs, **numbers) as work:
        _bring_study(activations, work)
        folders = seed_folders(models)
        done, total = 0, len(folders) * (2 * trials + 4)
        for seed, folder in folders.items():
            spec = load_spec(folder)
            found = read_fields(activations / f"seed-{seed}.json", activations=dict)["activations"]
            relu = original_operators(load_model(folder)[0])
            for variant in ("relu", "stage1", "stage2", "safs"):
                kind = scales if variant in {"stage2", "safs"} else "fixed"
                operators = found if variant in {"stage1", "safs"} else relu
                build = partial(prepare_model, folder, operators, kind)
                name = f"seed-{seed} {variant}"
                settings = defaults
                if variant in {"stage2", "safs"}:

                    def on_trial(
                        number: int, tried: Hyperparameters, score: Score, new: bool, name: str = name
                    ) -> None:
                        nonlocal done
                        done += 1
                        if new:
                            with context.tracker.child(f"{name} trial-{number}") as trial:
                                trial.params(asdict(tried))
                                trial.metrics({"validation_accuracy": score.accuracy})
                        context.tracker.progress(done, total, f"{name}, {score.accuracy:.2%}")

                    settings = tune(
                        build,
                        training,
                        validation,
                        defaults,
                        budget,
                        seed,
                        Journal(work / f"seed-{seed}-{variant}.jsonl"),
                        on_trial,
                        compute=compute,
                    )
                target = work / f"seed-{seed}" / variant
                if not (target / "training.json").exists():
                    network = build()
                    start_scales(network, settings.alpha, settings.beta)
                    with context.tracker.child(name) as tracker:
                        tracker.params({**asdict(settings), "epochs": epochs})
                        best = train(
                            network,
                            training,
                            validation,
                            settings,
                            epochs,
                            seed,
                            masks_of(network),
                            _report_to(tracker, network, target, training, insight_every if variant in WATCHED else 0),
                            compute=compute,
                            checkpoint=checkpoint_of(target),
                        )
                    save_model(target, network, replace(spec, activations=operators, scales=kind))
                    write_json(
                        target / "training.json",
                        {"validation_accuracy": best.accuracy, "hyperparameters": asdict(settings)},
                    )
                    context.tracker.metrics({f"{variant}_validation_accuracy_seed_{seed}": best.accuracy})
                checkpoint_of(target).unlink(missing_ok=True)
                done += 1
                context.tracker.progress(done, total, name)
    return {"sparsity": spec.sparsity, "seeds": len(folders), "epochs": epochs}


def _bring_study(activations: Path, work: Path) -> None:
    """Keep the record of the search beside the models: the report draws it."""
    from safs.searching.study import FILE

    if (activations / FILE).exists():
        copyfile(activations / FILE, work / FILE)


def _report_to(tracker: Tracker, network: "nn.Module", target: Path, training: "Batchable", every: int) -> Any:
    """What tells a tracker of every epoch, and writes down every few epochs how the network looks inside."""
    from safs.insight import watch

    look = watch(network, target / "insight.json", training, every)

    def on_epoch(epoch: int, loss: float, score: "Score") -> None:
        tracker.metrics({"loss": loss, "validation_accuracy": score.accuracy}, epoch)
        look(epoch)

    return on_epoch
