"""What a classifier is worth as an alarm: how often it cries wolf, and how often it sleeps."""

from collections.abc import Sequence
from statistics import mean

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve
from torch import Tensor

from safs.errors import SafsError

MEASURES = ("f1", "precision", "recall", "false_alarm_rate", "missed_alarm_rate", "average_precision", "macro_f1")
POINTS = 50


def alarm_measures(logits: Tensor, labels: Tensor, normal: int) -> dict[str, float]:
    """Measures of alarms: every class but the normal one is an alarm.

    Args:
        logits: [count, classes].
        labels: the true classes [count].
        normal: the class that raises no alarm.

    Returns:
        F1, precision and recall of alarms (0 where none is raised); false alarm rate, the alarms among normal examples;
        missed alarm rate, 1 - recall; average precision, the area below the precision-recall curve of 1 - P(normal);
        and F1 averaged over all classes. All in [0, 1].

    Raises:
        SafsError: the labels have no normal example or no other.
    """
    truth, raised = labels != normal, logits.argmax(1) != normal
    if truth.all() or not truth.any():
        raise SafsError("alarms cannot be measured: the part has only normal examples, or none; give it both")
    hits = int((truth & raised).sum())
    precision, recall = hits / max(int(raised.sum()), 1), hits / int(truth.sum())
    return {
        "f1": 2 * precision * recall / (precision + recall) if hits else 0.0,
        "precision": precision,
        "recall": recall,
        "false_alarm_rate": int((raised & ~truth).sum()) / int((~truth).sum()),
        "missed_alarm_rate": 1 - recall,
        "average_precision": float(average_precision_score(truth.numpy(), _score(logits, normal))),
        "macro_f1": float(f1_score(labels.numpy(), logits.argmax(1).numpy(), average="macro", zero_division=0)),
    }


def alarm_curve(logits: Tensor, labels: Tensor, normal: int) -> list[list[float]]:
    """The precision-recall curve as at most 50 points [recall, precision], by rising threshold of 1 - P(normal)."""
    precision, recall, _ = precision_recall_curve((labels != normal).numpy(), _score(logits, normal))
    chosen = np.unique(np.linspace(0, len(recall) - 1, POINTS).round().astype(int))
    return [[float(recall[i]), float(precision[i])] for i in chosen]


def summarise(measured: Sequence[dict[str, float]]) -> dict[str, dict[str, float | list[float]]]:
    """The measures of all seeds, with their mean, by name."""
    columns = {name: [one[name] for one in measured] for name in MEASURES}
    return {name: {"values": values, "mean": mean(values)} for name, values in columns.items()}


def _score(logits: Tensor, normal: int) -> np.ndarray:
    return (1 - logits.double().softmax(1)[:, normal]).numpy()
