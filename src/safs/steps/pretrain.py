"""Step 2: dense networks, one a seed."""

from pathlib import Path
from typing import Any

from safs.steps.arguments import Amount, Count, Decay, Natural, Part, Rate, Seeds
from safs.steps.context import Context
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

SEEDS = [0, 1, 2]
NONE: list[str] = []


def pretrain(
    data: Path,
    out: Path,
    model: str = "lenet5",
    seeds: Seeds = SEEDS,
    dense_epochs: Count = 30,
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
    backend: Backend = "auto",
    device: Device = "auto",
    precision: Precision = "float32",
    excluded_sites: list[str] = NONE,
    memory_gib: Amount = 0.0,
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Train the dense network once for every seed and keep each one's best epoch on validation data.

    Args:
        data: Data set folder, the output of prepare.
        out: Folder to write the dense models to, one a seed.
        model: Architecture: lenet5, vgg16, resnet18, efficientnet_b0, torchvision:NAME, timm:NAME, or your own as
            package.module:factory, which is called with input_shape (channels, height, width) and classes.
        seeds: One network is trained for each seed; accuracies are reported as mean and spread over them.
        dense_epochs: Epochs of dense training.
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
        backend: What trains: torch, native (compiled for sparse networks on the CPU), or auto for the faster one.
        device: Where to train: cpu, cuda, or auto for the GPU if there is one.
        precision: float32, or bfloat16 for automatic mixed precision with torch.
        excluded_sites: Patterns of the names of activations that keep their operator, such as *squeeze_act.
        memory_gib: Memory that the data set may take, in GiB; of a larger one only what is needed is read, from disk. 0 takes
            a quarter of what is free. The result is the same.

    Raises:
        SafsError: the data set is missing or damaged, or the architecture is unknown.
    """
    from safs.data import load_info
    from safs.data.tensors import load_tensors
    from safs.models import ModelSpec, fresh_model, save_model
    from safs.training.trainer import Score, train

    settings = Hyperparameters(
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
    info = load_info(data)
    training, validation = (load_tensors(data, part, memory_gib) for part in ("train", "validation"))
    accuracies: dict[str, float] = {}
    inputs = {"data": data, "model": model, "epochs": dense_epochs, "seeds": seeds}
    how = {"settings": vars(settings), "compute": vars(compute)}
    inputs["excluded_sites"] = excluded_sites
    with work_folder("pretrain", out, context, **inputs, **how) as work:
        for index, seed in enumerate(seeds):
            folder = work / f"seed-{seed}"
            if (folder / "model.json").exists():
                checkpoint_of(folder).unlink(missing_ok=True)  # killed between the two
                continue
            spec = ModelSpec(
                model,
                info.shape,
                info.classes,
                info.mean,
                info.std,
                excluded=tuple(excluded_sites),
                seed=seed,
                curves=info.curves,
            )
            network = fresh_model(spec)
            with context.tracker.child(f"seed-{seed}") as tracker:

                def on_epoch(
                    epoch: int, loss: float, score: Score, index: int = index, seed: int = seed, tracker: Any = tracker
                ) -> None:
                    tracker.metrics({"loss": loss, "validation_accuracy": score.accuracy}, epoch)
                    done, total = index * dense_epochs + epoch, len(seeds) * dense_epochs
                    context.tracker.progress(done, total, f"seed {seed}, {score.accuracy:.2%}")

                best = train(
                    network,
                    training,
                    validation,
                    settings,
                    dense_epochs,
                    seed,
                    on_epoch=on_epoch,
                    compute=compute,
                    checkpoint=checkpoint_of(folder),
                )
            accuracies[f"validation_accuracy_seed_{seed}"] = best.accuracy
            save_model(folder, network, spec)
            checkpoint_of(folder).unlink(missing_ok=True)
    context.tracker.metrics(accuracies)
    return {"architecture": model, "seeds": len(seeds), "fingerprint": info.fingerprint}
