"""Stage 2: the hyperparameters of sparse fine-tuning, together with learnt activation scales."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from torch import nn

from safs.activations import set_activations
from safs.data.tensors import Batchable
from safs.models import load_model
from safs.pruning.masks import masks_of
from safs.searching.journal import Journal
from safs.training.settings import Hyperparameters
from safs.training.trainer import Score, train

OnTrial = Callable[[int, Hyperparameters, Score, bool], None]
RANGES = {
    "learning_rate": (1e-4, 1e-1),
    "weight_decay": (1e-7, 1e-2),
    "momentum": (0.0, 0.99),
    "scale_rate": (0.1, 10.0),
}


@dataclass(frozen=True)
class Budget:
    """What stage 2 may spend: trials, the defaults being the first, and the epochs of each; both at least 1."""

    trials: int
    epochs: int


def suggest(trial: optuna.Trial, defaults: Hyperparameters) -> Hyperparameters:
    """Draw hyperparameters, in the ranges of arXiv:2305.10964 where it names them."""
    optimizer = trial.suggest_categorical("optimizer", ["adam", "adamw", "sgd"])
    return replace(
        defaults,
        optimizer=optimizer,  # type: ignore[arg-type]
        learning_rate=trial.suggest_float("learning_rate", *RANGES["learning_rate"], log=True),
        weight_decay=trial.suggest_float("weight_decay", *RANGES["weight_decay"], log=True),
        schedule=trial.suggest_categorical("schedule", ["constant", "cosine", "linear", "step"]),  # type: ignore[arg-type]
        momentum=trial.suggest_float("momentum", *RANGES["momentum"]),
        scale_rate=trial.suggest_float("scale_rate", *RANGES["scale_rate"], log=True),
    )


def _inside(name: str, value: Any) -> Any:
    """What the sampler is told of a default: the nearest value it could have drawn itself."""
    low, high = RANGES.get(name, (None, None))
    return value if low is None else min(max(value, low), high)


def as_trial(settings: Hyperparameters) -> dict[str, Any]:
    """The part of the hyperparameters that `suggest` draws."""
    return {name: value for name, value in asdict(settings).items() if name != "batch_size"}


def prepare_model(folder: Path, activations: Mapping[str, str], scales: str) -> nn.Module:
    """The pruned network with other operators, their scales fixed, or learnt by layer or channel."""
    model, _ = load_model(folder)
    set_activations(model, activations, scales)
    return model


def tune(
    model_folder: Path,
    activations: Mapping[str, str],
    training: Batchable,
    validation: Batchable,
    defaults: Hyperparameters,
    budget: Budget,
    seed: int,
    journal: Journal,
    on_trial: OnTrial | None = None,
) -> Hyperparameters:
    """Find hyperparameters for a pruned network whose activation scales are learnt along with its weights.

    TPE proposes, the default hyperparameters are always the first trial, and a trial that falls behind the median of
    the others at the same epoch is stopped. Finished trials are answered by the journal.

    Returns:
        The hyperparameters of the best trial by validation accuracy.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(2, budget.trials // 3)),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=1),
    )
    study.enqueue_trial({name: _inside(name, value) for name, value in as_trial(defaults).items()})
    best, best_score = defaults, None
    for number in range(budget.trials):
        trial = study.ask()
        settings = suggest(trial, defaults)
        if number == 0:
            settings = defaults
        curve = journal.get(as_trial(settings))
        new = curve is None
        if curve is None:
            curve = _learning_curve(model_folder, activations, training, validation, settings, budget, seed, trial)
            journal.add(as_trial(settings), curve)
        else:
            for epoch, (accuracy, _) in enumerate(curve, start=1):
                trial.report(accuracy, epoch)
        score = max(Score(*point) for point in curve)
        if len(curve) < budget.epochs:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, score.accuracy)
        if best_score is None or score > best_score:
            best, best_score = settings, score
        if on_trial:
            on_trial(number, settings, score, new)
    return best


class _HopelessError(Exception):
    """Ends the training of a trial that has fallen behind."""


def _learning_curve(
    model_folder: Path,
    activations: Mapping[str, str],
    training: Batchable,
    validation: Batchable,
    settings: Hyperparameters,
    budget: Budget,
    seed: int,
    trial: optuna.Trial,
) -> list[list[float]]:
    """Train one trial; its [accuracy, negative loss] after each epoch, fewer than asked for if it was stopped."""
    curve: list[list[float]] = []

    def on_epoch(epoch: int, _: float, score: Score) -> None:
        curve.append([score.accuracy, score.negative_loss])
        trial.report(score.accuracy, epoch)
        if epoch < budget.epochs and trial.should_prune():
            raise _HopelessError

    model = prepare_model(model_folder, activations, "layer")
    with suppress(_HopelessError):
        train(model, training, validation, settings, budget.epochs, seed, masks_of(model), on_epoch)
    return curve
