"""Step 5: stage 2 of the method, and the trainings that show what each stage is worth."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from safs.steps.arguments import Count, Decay, Rate
from safs.steps.context import Context
from safs.steps.work import work_folder
from safs.training.settings import Hyperparameters, Optimizer


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
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Fine-tune every pruned model in four variants, all on the same mask and for the same epochs.

    The variants are relu (ReLU, default hyperparameters), stage1 (searched activations, default hyperparameters),
    stage2 (ReLU, learnt scales, tuned hyperparameters) and safs (searched activations, learnt scales, tuned
    hyperparameters).

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

    Raises:
        SafsError: an input is missing or damaged, or the activations are not of these models.
    """
    from safs.data.tensors import load_tensors
    from safs.files import read_fields, write_json
    from safs.finetuning.stage2 import Budget, prepare_model, tune
    from safs.models import load_spec, save_model, seed_folders
    from safs.pruning.masks import masks_of
    from safs.searching.journal import Journal
    from safs.training.trainer import Score, train

    defaults = Hyperparameters(optimizer, learning_rate, weight_decay, batch_size)
    training, validation = load_tensors(data, "train"), load_tensors(data, "validation")
    budget = Budget(trials, trial_epochs)
    inputs = {"data": data, "models": models, "activations": activations}
    numbers = {"budget": vars(budget), "epochs": epochs, "defaults": vars(defaults)}
    with work_folder("finetune", out, context, **inputs, **numbers) as work:
        folders = seed_folders(models)
        total = len(folders) * (2 * trials + 4)
        done = 0
        for seed, folder in folders.items():
            spec = load_spec(folder)
            found = read_fields(activations / f"seed-{seed}.json", activations=dict)["activations"]
            relu = dict.fromkeys(found, "relu")
            variants = {
                "relu": (relu, False),
                "stage1": (found, False),
                "stage2": (relu, True),
                "safs": (found, True),
            }
            for variant, (operators, tuned) in variants.items():
                name = f"seed-{seed} {variant}"
                settings = defaults
                if tuned:

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

                    journal = Journal(work / f"seed-{seed}-{variant}.jsonl")
                    settings = tune(folder, operators, training, validation, defaults, budget, seed, journal, on_trial)
                target = work / f"seed-{seed}" / variant
                if not (target / "training.json").exists():
                    scales = "layer" if tuned else "fixed"
                    network = prepare_model(folder, operators, scales)
                    with context.tracker.child(name) as tracker:
                        tracker.params({**asdict(settings), "epochs": epochs})

                        def on_epoch(epoch: int, loss: float, score: Score, tracker: Any = tracker) -> None:
                            tracker.metrics({"loss": loss, "validation_accuracy": score.accuracy}, epoch)

                        best = train(network, training, validation, settings, epochs, seed, masks_of(network), on_epoch)
                    save_model(target, network, replace(spec, activations=operators, scales=scales))
                    result = {"validation_accuracy": best.accuracy, "hyperparameters": asdict(settings)}
                    write_json(target / "training.json", result)
                    context.tracker.metrics({f"{variant}_validation_accuracy_seed_{seed}": best.accuracy})
                done += 1
                context.tracker.progress(done, total, name)
    return {"sparsity": spec.sparsity, "seeds": len(folders), "epochs": epochs}
