"""The hyperparameters that stage 2 searches, and their ranges."""

from dataclasses import replace
from typing import Any, get_args

import optuna

from safs.training.settings import Hyperparameters, Optimizer, Schedule

RANGES = {
    "learning_rate": (1e-4, 1e-1),  # as arXiv:2305.10964
    "weight_decay": (1e-7, 1e-2),
    "momentum": (0.0, 0.99),
    "warmup": (0.0, 0.3),
    "label_smoothing": (0.0, 0.2),
    "scale_rate": (0.1, 10.0),
    "alpha": (0.5, 2.0),
    "beta": (0.5, 2.0),
}
LINEAR = ("momentum", "warmup", "label_smoothing")


def suggest(trial: optuna.Trial, defaults: Hyperparameters, *, learnt: bool = True) -> Hyperparameters:
    """Draw hyperparameters; what is not searched stays as in the defaults.

    Args:
        trial: what proposes them.
        defaults: where the rest comes from.
        learnt: whether the activations have learnt scales, so that their start and their rate matter.
    """

    def draw(name: str) -> float:
        return trial.suggest_float(name, *RANGES[name], log=name not in LINEAR)

    optimizer = trial.suggest_categorical("optimizer", get_args(Optimizer))
    names = ["learning_rate", "weight_decay", "warmup", "label_smoothing"]
    names += ["momentum"] if optimizer == "sgd" else []
    names += ["scale_rate", "alpha", "beta"] if learnt else []
    schedule = trial.suggest_categorical("schedule", get_args(Schedule))
    numbers: dict[str, Any] = {name: draw(name) for name in names}
    return replace(defaults, optimizer=optimizer, schedule=schedule, **numbers)


def inside(name: str, value: Any) -> Any:
    """What the sampler is told of a default: the nearest value it could have drawn itself."""
    low, high = RANGES.get(name, (None, None))
    return value if low is None else min(max(value, low), high)
