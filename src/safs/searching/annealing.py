"""Simulated annealing (Kirkpatrick et al. 1983, doi:10.1126/science.220.4598.671), ask and tell."""

import math
import random
from collections.abc import Sequence

from safs.searching.moves import neighbour
from safs.searching.strategy import Candidate, check_space

FIRST_TEMPERATURE = 0.05  # a candidate 5 points of accuracy worse is accepted with probability 1/e
COOLING = 0.9


class Annealing:
    """A worse candidate is accepted with a probability that falls with its loss of score and with time.

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
        self.asked = False
        self.temperature = FIRST_TEMPERATURE
        self.current: tuple[Candidate, float] | None = None

    def ask(self) -> Candidate:
        """The start, then a neighbour of the current candidate."""
        if not self.asked:
            self.asked = True
            return self.start
        current = self.start if self.current is None else self.current[0]
        return neighbour(current, self.operators, self.random)

    def tell(self, candidate: Candidate, score: float) -> bool:
        """Take note of a candidate's score; says whether it was accepted."""
        if self.current is None:
            self.current = (candidate, score)
            return True
        gain = score - self.current[1]
        accepted = gain >= 0 or self.random.random() < math.exp(gain / self.temperature)
        self.temperature *= COOLING
        if accepted:
            self.current = (candidate, score)
        return accepted
