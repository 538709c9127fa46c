"""Step 3: sparse networks, each with the weights of a dense one that matter most."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from safs.pruning.types import Criterion, Scope
from safs.sparsification.types import PruneSchedule
from safs.steps.arguments import Amount, Count, Decay, Rate, Sparsity
from safs.steps.context import Context
from safs.steps.work import work_folder
from safs.training.settings import Backend, Compute, Device, Hyperparameters, Optimizer

IGNORE: list[str] = []


def prune(
    data: Path,
    models: Path,
    out: Path,
    sparsity: Sparsity = 0.99,
    scope: Scope = "layerwise",
    criterion: Criterion = "magnitude",
    prune_schedule: PruneSchedule = "one-shot",
    prune_epochs: Count = 8,
    rewind: bool = False,
    coverage: bool = False,
    ignore: list[str] = IGNORE,
    optimizer: Optimizer = "adam",
    prune_learning_rate: Rate = 2e-3,
    prune_weight_decay: Decay = 1e-4,
    batch_size: Count = 64,
    backend: Backend = "auto",
    device: Device = "auto",
    memory_gib: Amount = 0.0,
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Zero the weights of every dense model that matter least, in one shot or while it trains on.

    Beside each model stands audit.json: which weights lie on a path from the input to a class, the classes that have
    one, and the accuracy on the training labels' shares that a classifier on these classes could reach at most.

    Args:
        data: Data set folder, the output of prepare.
        models: Folder of dense models, the output of pretrain.
        out: Folder to write the pruned models to; their zeros are the mask.
        sparsity: Fraction of the convolution and linear weights to zero, in [0, 1).
        scope: Same fraction in every layer (layerwise), or shared out among the layers (global, erk, lamp).
        criterion: Worth of a weight, its size (magnitude) or its size times its gradient (gradient).
        prune_schedule: Prune at once (one-shot), while training (gradual), or in rounds of training (iterative).
        prune_epochs: Epochs of the training that gradual and iterative pruning take.
        rewind: Put the weights back to the dense model's after each round of iterative pruning.
        coverage: Keep a path from the input to every class, within the same number of weights.
        ignore: Patterns with * and ? of layers that are not pruned.
        optimizer: Optimizer of the dense network, and the default one of fine-tuning.
        prune_learning_rate: Learning rate of the training that goes along with pruning.
        prune_weight_decay: Weight decay of the training that goes along with pruning.
        batch_size: Images in a training step.
        backend: What trains: torch, native (compiled for sparse networks on the CPU), or auto for the faster one.
        device: Where to train: cpu, cuda, or auto for the GPU if there is one.
        memory_gib: Memory that the data set may take, in GiB; of a larger one only what is needed is read, from disk. 0 takes
            a quarter of what is free. The result is the same.

    Raises:
        SafsError: a model or the data set is missing or damaged, or a pattern matches no layer.
    """
    from safs.data.tensors import load_tensors
    from safs.files import write_json
    from safs.models import load_model, save_model, seed_folders
    from safs.pruning.audit import audit, class_shares
    from safs.pruning.masks import weights_left
    from safs.sparsification.plan import Plan
    from safs.sparsification.sparsify import sparsify
    from safs.training.score import Score

    settings = Hyperparameters(optimizer, prune_learning_rate, prune_weight_decay, batch_size)
    plan = Plan(
        sparsity, scope, criterion, prune_schedule, prune_epochs, rewind, coverage, tuple(ignore), settings=settings
    )
    compute = Compute(backend, device)
    numbers = {**vars(plan), "settings": vars(settings), "compute": vars(compute)}
    with work_folder("prune", out, context, data=data, models=models, **numbers) as work:
        folders = seed_folders(models)
        training, validation = (load_tensors(data, part, memory_gib) for part in ("train", "validation"))
        steps = 1 if prune_schedule == "one-shot" else prune_epochs
        for index, (seed, folder) in enumerate(folders.items()):
            target = work / f"seed-{seed}"
            if not (target / "model.json").exists():
                model, spec = load_model(folder)
                with context.tracker.child(f"seed-{seed}") as tracker:

                    def on_epoch(
                        epoch: int, loss: float, score: Score, index: int = index, tracker: Any = tracker
                    ) -> None:
                        tracker.metrics({"loss": loss, "validation_accuracy": score.accuracy}, epoch)
                        done, total = index * steps + epoch - 1, len(folders) * steps
                        context.tracker.progress(done, total, f"pruning, {score.accuracy:.2%}")

                    masks = sparsify(model, training, validation, plan, seed, compute, on_epoch)
                    found = audit(model, masks, spec.input_shape, class_shares(training.y, len(spec.classes)))
                    tracker.metrics({"classes_covered": len(found.covered), "ceiling": found.ceiling})
                target.mkdir(parents=True, exist_ok=True)
                write_json(target / "audit.json", found.as_json())
                save_model(target, model, replace(spec, sparsity=sparsity))
            left, total = weights_left(load_model(target)[0])
            context.tracker.progress((index + 1) * steps, len(folders) * steps, f"{left:,} of {total:,} weights left")
    context.tracker.metrics({"weights_left": left, "weights": total})
    return {"sparsity": sparsity, "scope": scope, "weights_left": left, "weights": total}
