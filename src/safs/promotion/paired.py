"""Two classifiers on the same examples: how much better one is, and which classes it is worse at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from safs.reference.holm import holm

Right = NDArray[np.bool_]
"""Whether each example was classified rightly, [examples]."""


@dataclass(frozen=True)
class Difference:
    """A difference of accuracies, challenger minus champion, in [-1, 1].

    Attributes:
        value: as measured.
        low: lower end of its interval.
        high: upper end.
        gained: examples that only the challenger has right.
        lost: examples that only the champion has right.
        p_value: of McNemar's exact test that both are equally good.
    """

    value: float
    low: float
    high: float
    gained: int
    lost: int
    p_value: float


def paired_difference(challenger: Right, champion: Right, confidence: float) -> Difference:
    """The difference of two accuracies with Agresti and Min's interval for matched pairs.

    Source: A. Agresti, Y. Min, Simple improved confidence intervals for comparing matched proportions, Statistics in Medicine
    24 (2005): half an example is added to each cell of the table.
    """
    count = len(challenger)
    gained, lost = int((challenger & ~champion).sum()), int((champion & ~challenger).sum())
    b, c, n = gained + 0.5, lost + 0.5, count + 2
    centre, deviation = (b - c) / n, float(np.sqrt(b + c - (b - c) ** 2 / n)) / n
    margin = float(stats.norm.ppf((1 + confidence) / 2)) * deviation
    low, high = max(-1.0, centre - margin), min(1.0, centre + margin)
    return Difference((gained - lost) / count, low, high, gained, lost, _sign_test(gained, lost, "two-sided"))


@dataclass(frozen=True)
class ClassChange:
    """What happened to one class.

    Attributes:
        name: the class's.
        examples: how many the test data has.
        champion: the champion's recall.
        challenger: the challenger's recall.
        p_value: that the challenger is not worse, adjusted for the number of classes (Holm).
    """

    name: str
    examples: int
    champion: float
    challenger: float
    p_value: float

    @property
    def loss(self) -> float:
        """How much less of the class the challenger finds."""
        return self.champion - self.challenger


def class_changes(
    challenger: Right, champion: Right, labels: NDArray[np.int64], classes: Sequence[str]
) -> list[ClassChange]:
    """Recall of every class that has examples, with a one-sided exact test that is adjusted for their number."""
    found = [(label, labels == label) for label in range(len(classes)) if (labels == label).any()]
    raw = [
        _sign_test(int((challenger & ~champion & own).sum()), int((champion & ~challenger & own).sum()), "less")
        for _, own in found
    ]
    return [
        ClassChange(classes[label], int(own.sum()), float(champion[own].mean()), float(challenger[own].mean()), p_value)
        for (label, own), p_value in zip(found, holm(raw), strict=True)
    ]


def _sign_test(gained: int, lost: int, alternative: str) -> float:
    if gained + lost == 0:
        return 1.0
    return float(stats.binomtest(gained, gained + lost, alternative=alternative).pvalue)
