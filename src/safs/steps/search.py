"""Step 4: stage 1 of the method, an activation operator for every layer."""

from pathlib import Path
from typing import Any

from safs.steps.arguments import Count, Decay, Rate
from safs.steps.context import Context
from safs.steps.names import check_choice
from safs.steps.work import work_folder
from safs.training.settings import Hyperparameters

ALL: list[str] = []


def search(
    data: Path,
    models: Path,
    out: Path,
    candidates: Count = 16,
    search_epochs: Count = 4,
    history: Count = 3,
    operators: list[str] = ALL,
    search_learning_rate: Rate = 1e-2,
    search_weight_decay: Decay = 0.0,
    batch_size: Count = 64,
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Search one activation operator a layer for every pruned model, by late acceptance hill climbing.

    Args:
        data: Data set folder, the output of prepare.
        models: Folder of pruned models, the output of prune.
        out: Folder to write the activations and the journals of the trials to.
        candidates: Candidates to look at for each seed; the model's original operators are the first.
        search_epochs: Epochs each candidate is trained from the pruned weights.
        history: How many steps back late acceptance compares with.
        operators: Operators to choose from; none named means all of them.
        search_learning_rate: Learning rate of a candidate's training with Adam; a short training needs a high one.
        search_weight_decay: Weight decay of a candidate's training.
        batch_size: Images in a training step.

    Raises:
        SafsError: an operator is unknown, or an input is missing or damaged.
    """
    from safs.activations import OPERATORS, operator_named
    from safs.data.tensors import load_tensors
    from safs.files import write_json
    from safs.models import load_spec, seed_folders
    from safs.searching.journal import Journal
    from safs.searching.stage1 import Budget, search_activations
    from safs.training.trainer import Score

    chosen = [operator_named(name).name for name in operators] or list(OPERATORS)
    check_choice(operators)
    settings = Hyperparameters("adam", search_learning_rate, search_weight_decay, batch_size)
    budget = Budget(candidates, search_epochs, history)
    training, validation = load_tensors(data, "train"), load_tensors(data, "validation")
    summary: dict[str, Any] = {}
    inputs = {"data": data, "models": models, "budget": vars(budget), "operators": chosen, "settings": vars(settings)}
    with work_folder("search", out, context, **inputs) as work:
        folders = seed_folders(models)
        for index, (seed, folder) in enumerate(folders.items()):

            def on_trial(
                number: int, assignment: dict[str, str], score: Score, new: bool, index: int = index, seed: int = seed
            ) -> None:
                values = {"validation_accuracy": score.accuracy, "validation_loss": -score.negative_loss}
                if new:
                    with context.tracker.child(f"seed-{seed} candidate-{number}") as trial:
                        trial.params(assignment)
                        trial.metrics(values)
                done, total = index * candidates + number + 1, len(folders) * candidates
                context.tracker.progress(done, total, f"seed {seed}, {score.accuracy:.2%}")

            journal = Journal(work / f"seed-{seed}.jsonl")
            best, score = search_activations(folder, training, validation, settings, chosen, budget, journal, on_trial)
            result = {"seed": seed, "activations": best, "validation_accuracy": score.accuracy}
            write_json(work / f"seed-{seed}.json", result)
            summary[f"seed_{seed}"] = " ".join(best.values())
            context.tracker.metrics({f"validation_accuracy_seed_{seed}": score.accuracy})
        summary["sparsity"] = load_spec(folder).sparsity
    return summary
