"""Late acceptance hill climbing over one operator a layer, ask and tell."""

import random
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from safs.searching.moves import neighbour
from safs.searching.strategy import Candidate, check_space

S = TypeVar("S", bound=Any)  # a score: anything with an order


class LateAcceptance(Generic[S]):
    """Late acceptance hill climbing (Burke and Bykov 2017), with the moves of arXiv:2305.10964.

    A candidate is accepted if it is no worse than the current one or than the one `history` steps ago. A move gives
    one random layer another operator; half of the moves then swap the operators of two random layers.

    Args:
        start: the operators to begin with, one a layer.
        operators: what a layer can be given, at least 2.
        history: how many steps back a candidate is compared with, at least 1.
        seed: the same seed, and the same scores, give the same candidates.

    Raises:
        SafsError: there is no layer, or nothing to choose from.

    Example:
        >>> climber = LateAcceptance(("relu", "relu"), ("relu", "tanh"), history=3, seed=0)
        >>> for _ in range(4):
        ...     candidate = climber.ask()
        ...     _ = climber.tell(candidate, candidate.count("tanh"))
        >>> climber.best
        ('tanh', 'tanh')
    """

    def __init__(self, start: Candidate, operators: Sequence[str], history: int, seed: int) -> None:
        self.operators = check_space(start, operators)
        self.random = random.Random(seed)
        self.history = history
        self.start = start
        self.asked = False
        self.steps = 0
        self.current: tuple[Candidate, S] | None = None
        self.fitness: list[S] = []
        self.best: Candidate = start
        self.best_score: S | None = None

    def ask(self) -> Candidate:
        """The next candidate to try; the first is the start itself."""
        if not self.asked:
            self.asked = True
            return self.start
        current = self.start if self.current is None else self.current[0]
        return neighbour(current, self.operators, self.random)

    def tell(self, candidate: Candidate, score: S) -> bool:
        """Take note of a candidate's score (the larger, the better); says whether it was accepted."""
        if self.best_score is None or score > self.best_score:
            self.best, self.best_score = candidate, score
        if self.current is None:
            self.current, self.fitness = (candidate, score), [score] * self.history
            return True
        slot = self.steps % self.history
        self.steps += 1
        accepted: bool = score >= self.current[1] or score >= self.fitness[slot]
        if accepted:
            self.current = (candidate, score)
        self.fitness[slot] = self.current[1]
        return accepted
