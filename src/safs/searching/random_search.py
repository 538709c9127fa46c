"""Random search, the baseline of every strategy, ask and tell."""

import random
from collections.abc import Sequence

from safs.searching.moves import anywhere
from safs.searching.strategy import Candidate, check_space


class RandomSearch:
    """Draws every candidate uniformly; scores have no say.

    Args:
        start: the first candidate, one operator a layer.
        operators: what a layer can be given, at least 2.
        seed: the same seed gives the same candidates.

    Raises:
        SafsError: there is no layer, or nothing to choose from.
    """

    def __init__(self, start: Candidate, operators: Sequence[str], seed: int) -> None:
        self.operators = check_space(start, operators)
        self.start = start
        self.random = random.Random(seed)
        self.asked = False

    def ask(self) -> Candidate:
        """The start, then random candidates."""
        if not self.asked:
            self.asked = True
            return self.start
        return anywhere(len(self.start), self.operators, self.random)

    def tell(self, candidate: Candidate, score: float) -> None:
        """Scores change nothing."""
