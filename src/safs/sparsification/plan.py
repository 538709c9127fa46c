"""What is asked of pruning."""

from dataclasses import dataclass, field
from typing import get_args

from safs.errors import SafsError, unknown
from safs.pruning.types import Criterion, Scope
from safs.sparsification.types import PruneSchedule
from safs.training.settings import Hyperparameters


@dataclass(frozen=True)
class Plan:
    """How a dense network becomes a sparse one.

    Attributes:
        sparsity: fraction of the prunable weights to zero, in [0, 1).
        scope: how the weights that are left are shared out among the layers.
        criterion: what a weight is worth.
        schedule: `one-shot` (no training), `gradual` (while training, along a cubic curve) or `iterative` (rounds of
            training and pruning).
        epochs: of training, at least 1; `one-shot` takes none.
        rewind: `iterative`: put the weights that are left back to those of the dense network after every round.
        coverage: keep a path from the input to every class.
        ignore: patterns of layers not to prune.
        rounds: of `iterative`, at least 1 and at most `epochs`.
        settings: the hyperparameters of the training.

    Raises:
        SafsError: a name is unknown or a number out of range.
    """

    sparsity: float
    scope: Scope = "layerwise"
    criterion: Criterion = "magnitude"
    schedule: PruneSchedule = "one-shot"
    epochs: int = 8
    rewind: bool = False
    coverage: bool = False
    ignore: tuple[str, ...] = ()
    rounds: int = 4
    settings: Hyperparameters = field(default_factory=lambda: Hyperparameters(learning_rate=2e-3, weight_decay=1e-4))

    def __post_init__(self) -> None:
        if not 0 <= self.sparsity < 1:
            raise SafsError(f"sparsity {self.sparsity} is not in [0, 1)")
        if self.schedule not in get_args(PruneSchedule):
            raise unknown("pruning schedule", self.schedule, get_args(PruneSchedule))
        if self.epochs < 1 or self.rounds < 1:
            raise SafsError(f"pruning takes {self.epochs} epochs and {self.rounds} rounds; both are at least 1")
        if self.rewind and self.schedule != "iterative":
            raise SafsError(f"rewind is for the schedule 'iterative', this one is {self.schedule!r}; leave it out")
