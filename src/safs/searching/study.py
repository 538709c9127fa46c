"""The record of a search: every trial with its curve, the best one, and what it all has cost."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safs.errors import SafsError
from safs.files import read_json, write_json
from safs.searching.plan import SearchPlan

FILE = "study.json"


@dataclass(frozen=True)
class Trial:
    """A candidate and how it did.

    Attributes:
        number: in the order of asking, from 0, the model's own operators.
        activations: operator by site.
        curve: [accuracy, negative loss] on validation data after each epoch.
        stopped: why it was not trained further: finished, halved (others of its rung were better) or hopeless.
        cost: its activations' inference time relative to the first trial's, as measured; None if it was not.
    """

    number: int
    activations: Mapping[str, str]
    curve: list[list[float]]
    stopped: str
    cost: float | None = None

    @property
    def accuracy(self) -> float:
        """Validation accuracy of its best epoch."""
        return max(self.curve)[0]


@dataclass(frozen=True)
class Study:
    """A finished search.

    Attributes:
        seed: of the network and of the search.
        architecture: the network's, empty if it has no name.
        sparsity: the fraction of zeros that was asked of pruning, in [0, 1).
        operators: what there was to choose from.
        plan: how the search was done.
        trials: in the order of asking.
        best: number of the best trial.
        epochs: what the search has cost, in epochs over all training images.
        front: numbers of the trials that no other beats in both accuracy and cost, by rising cost; empty if cost was
            not an objective.
    """

    seed: int
    architecture: str
    sparsity: float
    operators: list[str]
    plan: SearchPlan
    trials: list[Trial]
    best: int
    epochs: float
    front: list[int] = field(default_factory=list)

    @property
    def winner(self) -> Trial:
        """The best trial."""
        return self.trials[self.best]


@dataclass(frozen=True)
class Look:
    """A candidate trained up to a rung.

    Attributes:
        spent: epochs that the search has cost once it has ended.
        number: of the trial.
        epochs: how long the candidate was trained in all.
        accuracy: its best validation accuracy so far.
    """

    spent: float
    number: int
    epochs: int
    accuracy: float


def history(study: Study) -> list[Look]:
    """What a search has looked at, rung by rung, in the order of the trials; epochs are those of its own images."""
    looks: list[Look] = []
    done = dict.fromkeys(range(len(study.trials)), 0)
    spent = 0.0
    for rung in study.plan.rungs:
        for trial in study.trials:
            epochs = min(rung, len(trial.curve))
            if epochs > done[trial.number]:
                spent += epochs - done[trial.number]
                done[trial.number] = epochs
                looks.append(Look(spent, trial.number, epochs, max(trial.curve[:epochs])[0]))
    return looks


def write_studies(path: Path, studies: list[Study]) -> None:
    """Write the studies of several seeds into one file."""
    write_json(path, {"studies": [asdict(study) for study in studies]})


def read_study(path: Path) -> list[Study]:
    """Read the studies of all seeds from `study.json` or from the folder that holds it, the output of search.

    Raises:
        SafsError: the file is missing, or is no record of a search.
    """
    path = path / FILE if path.is_dir() else path
    content = read_json(path)
    try:
        return [_study(raw) for raw in content["studies"]]
    except (KeyError, TypeError, ValueError) as error:
        raise SafsError(f"{path} is not the record of a search ({error!r}); give the output of search") from None


def _study(raw: dict[str, Any]) -> Study:
    trials = [Trial(**trial) for trial in raw["trials"]]
    if not all(trial.curve for trial in trials):
        raise ValueError("a trial without a curve")
    study = Study(**{**raw, "plan": SearchPlan(**raw["plan"]), "trials": trials})
    if not 0 <= study.best < len(trials):
        raise ValueError(f"best is {study.best}")
    return study
