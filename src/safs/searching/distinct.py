"""Candidates that were not evaluated before, whatever a strategy proposes."""

import random
from collections.abc import Sequence
from itertools import product

from safs.searching.moves import anywhere
from safs.searching.strategy import Candidate, Strategy

PATIENCE = 50  # proposals in a row that are no news before a candidate is drawn from anywhere


class Distinct:
    """Asks a strategy until it proposes something new.

    A strategy that proposes a known candidate is told the known score at once. One that does so again and again gets
    a candidate from anywhere instead; when all are known there is none.

    Args:
        strategy: what is asked.
        layers: how many operators a candidate has.
        operators: what a layer can be given.
        seed: decides the candidates from anywhere.
    """

    def __init__(self, strategy: Strategy, layers: int, operators: Sequence[str], seed: int) -> None:
        self.strategy, self.layers, self.operators = strategy, layers, tuple(dict.fromkeys(operators))
        self.random = random.Random(f"distinct {seed}")
        self.scores: dict[Candidate, float] = {}
        self.pending: set[Candidate] = set()
        self.reserved: list[Candidate] = []

    def reserve(self, candidate: Candidate) -> None:
        """Ask for this candidate before others, right after the strategy's start."""
        self.reserved.append(candidate)

    def leads(self) -> bool:
        """Whether a reserved candidate is still to be asked for."""
        self.reserved = [candidate for candidate in self.reserved if self._new(candidate)]
        return bool(self.reserved)

    def ask(self) -> Candidate | None:
        """A candidate that was neither asked for nor told before; None when there is none left."""
        while self.reserved and (self.scores or self.pending):
            candidate = self.reserved.pop(0)
            if self._new(candidate):
                self.pending.add(candidate)
                return candidate
        for _ in range(PATIENCE):
            if self._exhausted():
                return None
            proposed = self.strategy.ask()
            if proposed is None:
                break
            candidate = proposed
            if candidate in self.scores:
                self.strategy.tell(candidate, self.scores[candidate])
            elif candidate not in self.pending:
                self.pending.add(candidate)
                return candidate
        found = self._from_anywhere()
        if found is not None:
            self.pending.add(found)
        return found

    def tell(self, candidate: Candidate, score: float) -> None:
        """Take note of a score and pass it on."""
        self.pending.discard(candidate)
        self.scores[candidate] = score
        self.strategy.tell(candidate, score)

    def _new(self, candidate: Candidate) -> bool:
        return candidate not in self.scores and candidate not in self.pending

    def _exhausted(self) -> bool:
        total: int = len(self.operators) ** self.layers
        if len(self.scores) + len(self.pending) < total:
            return False
        names = set(self.operators)
        return sum(set(known) <= names for known in (*self.scores, *self.pending)) >= total

    def _from_anywhere(self) -> Candidate | None:
        for _ in range(PATIENCE):
            candidate = anywhere(self.layers, self.operators, self.random)
            if self._new(candidate):
                return candidate
        return next(filter(self._new, product(self.operators, repeat=self.layers)), None)
