"""How a search is done: the strategy, and what it may spend at which fidelity."""

from dataclasses import dataclass
from typing import Literal

StrategyName = Literal["late-acceptance", "annealing", "genetic", "random", "tpe"]
Objective = Literal["accuracy", "pareto"]


@dataclass(frozen=True)
class SearchPlan:
    """What a search may spend; the outcome follows from it, the model, the data and the seed alone.

    The strategy explores at the lowest rung of a ladder of epochs: `min_epochs`, `halving` times as many, and so on up
    to `search_epochs`. Of each rung the best `1 / halving` go on to the next (successive halving, arXiv:1502.07943).

    Attributes:
        candidates: how many different candidates are looked at, the model's own operators being the first, at least 1.
        search_epochs: epochs of the highest rung, at least 1.
        min_epochs: epochs of the lowest rung; there is no ladder if it is not below `search_epochs`.
        halving: of how many candidates one goes on; 1 trains all of them for `search_epochs`, and `min_epochs` then
            only says when one that is no better than chance is given up.
        strategy: a name from `STRATEGIES`.
        history: how many steps back late acceptance compares with, at least 1.
        generation: how many candidates are asked for before the strategy is told; as many can be trained at once.
        uniform: look first at candidates that have one operator everywhere, for half of the candidates at most; the
            strategy goes on from the best of them.
        fraction: the part of the training images that candidates learn from, in (0, 1].
        objective: accuracy, or pareto: accuracy against measured inference cost.
    """

    candidates: int = 16
    search_epochs: int = 8
    min_epochs: int = 2
    halving: int = 4
    strategy: StrategyName = "genetic"
    history: int = 3
    generation: int = 4
    uniform: bool = True
    fraction: float = 1.0
    objective: Objective = "accuracy"

    @property
    def rungs(self) -> tuple[int, ...]:
        """The epochs of each rung, rising.

        Example:
            >>> SearchPlan(search_epochs=80, min_epochs=2, halving=4).rungs
            (2, 8, 32, 80)
        """
        if self.halving == 1 or self.min_epochs >= self.search_epochs:
            return (self.search_epochs,)
        rungs = [self.min_epochs]
        while rungs[-1] * self.halving < self.search_epochs:
            rungs.append(rungs[-1] * self.halving)
        return (*rungs, self.search_epochs)

    @property
    def patience(self) -> int | None:
        """Epochs after which a training of a single rung is given up if it is no better than chance; None: never."""
        return self.min_epochs if self.min_epochs < self.search_epochs and len(self.rungs) == 1 else None

    @property
    def trainings(self) -> int:
        """How many trainings there are at most, each rung of each candidate being one."""
        total = count = self.candidates
        for _ in self.rungs[1:]:
            count = places(count, self.halving) + 1  # and the model's own operators
            total += count
        return total


def places(count: int, halving: int) -> int:
    """How many of `count` candidates go on to the next rung: one in `halving`, at least one."""
    return -(-count // halving)
