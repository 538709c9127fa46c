"""What a manager decides from: accuracy, size, speed, energy and money, and when the search has paid for itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev
from typing import Any

from safs.evaluation.selection import best_entry

COMPARED = {"dense": "dense", "relu": "pruned, ReLU", "safs": "SAFS"}
FINDING = ("prune", "search", "finetune")  # the steps that a dense network does without
HOUR = 3600.0


@dataclass(frozen=True)
class Rates:
    """Assumptions about what computing costs.

    Attributes:
        price: money for a core and an hour, in any currency.
        watts: power of a busy core.
    """

    price: float = 0.05
    watts: float = 10.0


@dataclass(frozen=True)
class Column:
    """A model on the first screen.

    Attributes:
        label: what to call it.
        accuracy: mean test accuracy of the seeds, in [0, 1].
        interval: half the width of its 95% interval, Student's over the seeds; None for one seed.
        measured: its entry in `serving.json`, or None.
        energy: joules for a thousand predictions, one at a time; None if not measured.
        money: for a million predictions, one at a time; None if not measured.
    """

    label: str
    accuracy: float
    interval: float | None
    measured: Mapping[str, Any] | None
    energy: float | None
    money: float | None


@dataclass(frozen=True)
class Decision:
    """The first screen.

    Attributes:
        sparsity: which of the evaluations it is about.
        columns: dense, pruned ReLU, SAFS.
        core_hours: what pruning, search and fine-tuning have taken, all seeds together; None if not known.
        money: what that costs.
        pays_after: number of predictions, one at a time, after which the core time saved beside the dense model exceeds
            it; infinite if the sparse model is not faster; None if not known.
        rates: the assumptions.
        processor: what was measured on.
    """

    sparsity: float
    columns: list[Column]
    core_hours: float | None
    money: float | None
    pays_after: float | None
    rates: Rates
    processor: str


def decide(evaluations: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any] | None, rates: Rates) -> Decision:
    """The first screen for the chosen model, or for the one with the best validation accuracy.

    Args:
        evaluations: contents of `evaluation.json`, with that of `serving.json` under `serving` where there is one.
        chosen: the selected model's entry.
        rates: what computing costs.
    """
    sparsity = chosen["sparsity"] if chosen else best_entry(evaluations)["sparsity"]
    evaluation = next(entry for entry in evaluations if entry["sparsity"] == sparsity)
    serving = evaluation.get("serving", {})
    measured = serving.get("models", {})
    columns = [_column(name, evaluation["variants"][name]["test"], measured.get(name), rates) for name in COMPARED]
    spent = serving.get("cost", {})
    known = all(step in spent for step in FINDING)
    seconds = sum(spent[step]["cpu_seconds"] for step in FINDING) if known else None
    pays_after = None
    if seconds is not None and {"dense", "safs"} <= set(measured):
        saved = (milliseconds(measured["dense"]) - milliseconds(measured["safs"])) / 1e3
        pays_after = seconds / saved if saved > 0 else float("inf")
    hours = None if seconds is None else seconds / HOUR
    money = None if hours is None else hours * rates.price
    return Decision(sparsity, columns, hours, money, pays_after, rates, serving.get("processor", ""))


def _column(name: str, accuracies: Sequence[float], measured: Mapping[str, Any] | None, rates: Rates) -> Column:
    energy = money = None
    if measured:
        seconds = milliseconds(measured) / 1e3
        energy, money = 1e3 * seconds * rates.watts, 1e6 * seconds / HOUR * rates.price
    return Column(COMPARED[name], mean(accuracies), half_interval(accuracies), measured, energy, money)


def half_interval(values: Sequence[float]) -> float | None:
    """Half the width of the 95% interval of a mean, by Student's distribution; None for one value."""
    if len(values) < 2:
        return None
    from scipy.stats import t

    return float(t.ppf(0.975, len(values) - 1)) * stdev(values) / sqrt(len(values))


def milliseconds(measured: Mapping[str, Any]) -> float:
    """The median time of one prediction, from an entry of `serving.json`."""
    return float(measured["milliseconds"]["1"][1])
