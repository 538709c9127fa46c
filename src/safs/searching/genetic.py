"""A steady-state genetic algorithm (Syswerda 1991, doi:10.1016/B978-0-08-050684-5.50009-4), ask and tell."""

import random
from collections.abc import Sequence

from safs.searching.moves import anywhere, neighbour
from safs.searching.strategy import Candidate, check_space

POPULATION = 8
TOURNAMENT = 3


class Genetic:
    """Parents that win a tournament are crossed uniformly and mutated; the worst of the population makes room.

    The first population is the start, neighbours of it, and candidates from anywhere, in turn.

    Args:
        start: the operators to begin with, one a layer.
        operators: what a layer can be given, at least 2.
        seed: the same seed, and the same scores, give the same candidates.

    Raises:
        SafsError: there is no layer, or nothing to choose from.
    """

    def __init__(self, start: Candidate, operators: Sequence[str], seed: int) -> None:
        self.operators = check_space(start, operators)
        self.start = start
        self.random = random.Random(seed)
        self.asked = 0
        self.population: list[tuple[float, Candidate]] = []

    def ask(self) -> Candidate:
        """The start, then members of the first population, then children."""
        self.asked += 1
        if self.asked == 1:
            return self.start
        if self.asked <= POPULATION or len(self.population) < 2:
            if self.asked % 2:
                return anywhere(len(self.start), self.operators, self.random)
            return neighbour(self.start, self.operators, self.random)
        mother, father = self._parent(), self._parent()
        child = [self.random.choice(pair) for pair in zip(mother, father, strict=True)]
        for layer in range(len(child)):
            if self.random.random() < 1 / len(child):
                child[layer] = self.random.choice(self.operators)
        return tuple(child)

    def _parent(self) -> Candidate:
        rivals = [self.random.choice(self.population) for _ in range(TOURNAMENT)]
        return max(rivals, key=lambda rival: rival[0])[1]

    def tell(self, candidate: Candidate, score: float) -> None:
        """Take note of a candidate's score; it joins the population, where it stands once."""
        self.population = [member for member in self.population if member[1] != candidate]
        self.population.append((score, candidate))
        if len(self.population) > POPULATION:
            self.population.remove(min(self.population, key=lambda member: member[0]))
