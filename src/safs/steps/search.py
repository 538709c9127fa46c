"""Step 4: stage 1 of the method, an activation operator for every layer."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from safs.searching.plan import Objective, SearchPlan, StrategyName
from safs.steps.arguments import Amount, Count, Decay, Rate
from safs.steps.context import Context
from safs.steps.names import check_choice
from safs.steps.work import work_folder
from safs.training.settings import Backend, Compute, Device, Hyperparameters

ALL: list[str] = []


def search(
    data: Path,
    models: Path,
    out: Path,
    candidates: Count = 32,
    search_epochs: Count = 8,
    min_epochs: Count = 2,
    halving: Count = 4,
    strategy: StrategyName = "genetic",
    history: Count = 3,
    generation: Count = 4,
    uniform: bool = True,
    operators: list[str] = ALL,
    objective: Objective = "accuracy",
    prices: str = "",
    search_learning_rate: Rate = 1e-2,
    search_weight_decay: Decay = 0.0,
    batch_size: Count = 64,
    warm_start: str = "",
    workers: Count = 1,
    storage: str = "",
    backend: Backend = "auto",
    device: Device = "auto",
    memory_gib: Amount = 0.0,
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Search one activation operator a layer for every pruned model, over a ladder of epochs.

    Args:
        data: Data set folder, the output of prepare.
        models: Folder of pruned models, the output of prune.
        out: Folder to write the activations, the record of the search and the journals of the trials to.
        candidates: Different candidates to look at for each seed; the model's own operators are the first.
        search_epochs: Epochs the best candidates are trained from the pruned weights.
        min_epochs: Epochs every candidate is trained; no ladder if not below search_epochs.
        halving: One in so many candidates goes on to so many times the epochs; 1 trains all to the end.
        strategy: How candidates are proposed; late-acceptance is the paper's.
        history: How many steps back late acceptance compares with.
        generation: Candidates asked for before the strategy learns their scores; as many can be trained at once.
        uniform: Look first at one operator everywhere, for half of the candidates at most.
        operators: Operators to choose from; none named means all of them.
        objective: Accuracy alone, or pareto for accuracy against the measured time of the activations.
        prices: File that safs price wrote on the serving machine, for pareto; measured on this machine without one.
        search_learning_rate: Learning rate of a candidate's training with Adam; a short training needs a high one.
        search_weight_decay: Weight decay of a candidate's training.
        batch_size: Images in a training step.
        warm_start: Earlier search to begin with, a study.json or its folder, or mlflow:RUN_OR_EXPERIMENT.
        workers: Processes that train candidates, one thread each; the outcome is the same with any number.
        storage: Database URL of a study that several machines share; keep the password in PGPASSWORD.
        backend: What trains: torch, native (compiled for sparse networks on the CPU), or auto for the faster one.
        device: Where to train: cpu, cuda, or auto for the GPU if there is one.
        memory_gib: Memory that the data set may take, in GiB; of a larger one only what is needed is read, from disk. 0 takes
            a quarter of what is free. The result is the same.

    Raises:
        SafsError: a name is unknown, or an input is missing or damaged.
    """
    from safs.activations import OPERATORS, operator_named
    from safs.data.tensors import load_tensors
    from safs.files import write_json
    from safs.models import load_model, seed_folders
    from safs.searching.costs import read_prices
    from safs.searching.journal import Journal
    from safs.searching.shared import sharing
    from safs.searching.stage1 import Surroundings, search_activations
    from safs.searching.study import FILE, write_studies
    from safs.searching.trial import Curve, Task
    from safs.steps.studies import earlier_studies

    chosen = [operator_named(name).name for name in operators] or list(OPERATORS)
    check_choice(operators)
    settings = Hyperparameters("adam", search_learning_rate, search_weight_decay, batch_size)
    plan = SearchPlan(
        candidates, search_epochs, min_epochs, halving, strategy, history, generation, uniform, objective=objective
    )
    compute = Compute(backend=backend, device=device)
    earlier = earlier_studies(warm_start, context)
    known = read_prices(Path(prices), OPERATORS) if prices else None
    training, validation = (load_tensors(data, part, memory_gib) for part in ("train", "validation"))
    summary: dict[str, Any] = {}
    inputs = {
        "data": data,
        "models": models,
        "plan": vars(plan),
        "operators": chosen,
        "settings": vars(settings),
        "prices": known,
    }
    described = {"compute": vars(compute), "earlier": [asdict(study) for study in earlier]}
    with work_folder("search", out, context, **inputs, **described) as work:
        folders, studies = seed_folders(models), []
        for index, (seed, folder) in enumerate(folders.items()):
            ended = index * plan.trainings

            def on_training(task: Task, curve: Curve, new: bool, seed: int = seed) -> None:
                nonlocal ended
                ended += 1
                if new:
                    name = f"seed-{seed} candidate-{task.number}"
                    name += f" epochs-{task.epochs}" if task.epochs > plan.rungs[0] else ""
                    with context.tracker.child(name) as trial:
                        trial.params(task.activations)
                        for epoch, (accuracy, negative_loss) in enumerate(curve, start=1):
                            values = {"validation_accuracy": accuracy, "validation_loss": -negative_loss}
                            trial.metrics(values, epoch)
                context.tracker.progress(ended, len(folders) * plan.trainings, f"seed {seed}, {max(curve)[0]:.2%}")

            model, spec = load_model(folder)
            journal = Journal(work / f"seed-{seed}.jsonl")
            around = Surroundings(journal, workers, compute, earlier, sharing(storage), known, on_training)
            study = search_activations(
                model, training, validation, settings, chosen, plan, spec.seed, around, spec.architecture, spec.sparsity
            )
            studies.append(study)
            best = study.winner
            result = {"seed": seed, "activations": best.activations, "validation_accuracy": best.accuracy}
            write_json(work / f"seed-{seed}.json", result)
            summary[f"seed_{seed}"] = " ".join(best.activations.values())
            values = {f"validation_accuracy_seed_{seed}": best.accuracy, f"search_epochs_seed_{seed}": study.epochs}
            context.tracker.metrics(values)
        write_studies(work / FILE, studies)
        context.tracker.file(work / FILE)
        summary["sparsity"] = spec.sparsity
    return summary
