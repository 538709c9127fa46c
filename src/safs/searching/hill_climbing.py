"""Late acceptance hill climbing over one operator a layer, ask and tell."""

import random
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from safs.errors import SafsError

Candidate = tuple[str, ...]
S = TypeVar("S", bound=Any)  # a score: anything with an order


class LateAcceptance(Generic[S]):
    """Late acceptance hill climbing (Burke and Bykov 2017), with the moves of arXiv:2305.10964.

    A candidate is accepted if it is no worse than the current one or than the one `history` steps ago. A move gives
    one random layer another operator and then swaps the operators of two random layers.

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
        if not start:
            raise SafsError("the model has no activation site, so there is nothing to search")
        if len(set(operators)) < 2:
            raise SafsError(f"the search needs at least 2 operators to choose from, not {list(operators)}")
        self.operators = tuple(dict.fromkeys(operators))
        self.random = random.Random(seed)
        self.history = history
        self.start = start
        self.steps = 0
        self.current: tuple[Candidate, S] | None = None
        self.fitness: list[S] = []
        self.best: Candidate = start
        self.best_score: S | None = None

    def ask(self) -> Candidate:
        """The next candidate to try; the first is the start itself."""
        if self.current is None:
            return self.start
        layers = list(self.current[0])
        layer = self.random.randrange(len(layers))
        layers[layer] = self.random.choice([name for name in self.operators if name != layers[layer]])
        if len(layers) > 1:
            first, second = self.random.sample(range(len(layers)), 2)
            layers[first], layers[second] = layers[second], layers[first]
        return tuple(layers)

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
