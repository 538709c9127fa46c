"""Tests of a batch against the reference profile, under one budget of false alarms.

Four families are tested: inputs, predictions, confidence and, with labels, accuracy. Each has a quarter of the batch's budget, and
within the inputs Holm's method shares it over all features, so a batch without drift raises an alarm with at most the chance
`Limits.level`. A difference counts if it is certain and large enough to matter.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from safs.monitoring.limits import Limits
from safs.reference.features import Floats, features_of
from safs.reference.holm import holm
from safs.reference.profile import Profile

Family = Literal["inputs", "predictions", "confidence", "accuracy"]
FAMILIES = 4
FEWEST = 5  # expected examples in a cell of a table of counts


@dataclass(frozen=True)
class Finding:
    """One comparison.

    Attributes:
        family: what kind of it.
        name: of the feature.
        effect: distance of the two distributions, in [0, 1]: Kolmogorov and Smirnov's, total variation, or the loss of accuracy.
        p_value: that the two are the same, adjusted for the number of features of the family.
        drifted: whether it is certain and large enough.
    """

    family: Family
    name: str
    effect: float
    p_value: float
    drifted: bool


def compare(
    profile: Profile, limits: Limits, x: Floats, probabilities: Floats, labels: NDArray[np.int64] | None
) -> list[Finding]:
    """Compare a batch with the reference.

    Args:
        profile: the reference.
        limits: what counts.
        x: inputs as a user hands them over, [count, channels, ...].
        probabilities: what the model says of them, [count, classes].
        labels: the true classes [count], if they are known.
    """
    found = features_of(x)
    tests = {name: stats.ks_2samp(profile.features[name], values) for name, values in found.items()}
    adjusted = holm([float(test.pvalue) for test in tests.values()])
    findings = [
        _finding(limits, "inputs", name, float(test.statistic), p_value)
        for (name, test), p_value in zip(tests.items(), adjusted, strict=True)
    ]
    counts = np.bincount(probabilities.argmax(1), minlength=len(profile.classes))
    findings.append(_finding(limits, "predictions", "predicted classes", *_counts(np.array(profile.predicted), counts)))
    sure = stats.ks_2samp(profile.confidence, probabilities.max(1))
    findings.append(_finding(limits, "confidence", "confidence", float(sure.statistic), float(sure.pvalue)))
    if labels is not None:
        findings.append(_accuracy(profile, limits, probabilities.argmax(1) == labels))
    return findings


def _finding(limits: Limits, family: Family, name: str, effect: float, p_value: float) -> Finding:
    certain = p_value < limits.level / FAMILIES
    return Finding(family, name, effect, p_value, certain and effect >= limits.min_effect)


def _counts(reference: NDArray[np.int64], batch: NDArray[np.int64]) -> tuple[float, float]:
    """Total variation of two tables of counts, and the p-value of a chi-squared test; rare classes are put together."""
    effect = float(np.abs(reference / reference.sum() - batch / batch.sum()).sum() / 2)
    share = min(reference.sum(), batch.sum()) / (reference.sum() + batch.sum())
    rare = (reference + batch) * share < FEWEST
    table = np.array([[*counts[~rare], counts[rare].sum()] for counts in (reference, batch)])
    table = table[:, table.sum(0) > 0]
    if table.shape[1] < 2:
        return effect, 1.0
    return effect, float(stats.chi2_contingency(table).pvalue)


def _accuracy(profile: Profile, limits: Limits, right: NDArray[np.bool_]) -> Finding:
    loss = profile.correct / profile.examples - float(right.mean())
    correct = int(right.sum())
    table = [[profile.correct, profile.examples - profile.correct], [correct, len(right) - correct]]
    p_value = float(stats.fisher_exact(table, alternative="greater").pvalue)
    certain = p_value < limits.level / FAMILIES
    return Finding("accuracy", "accuracy", max(loss, 0.0), p_value, certain and loss > limits.max_accuracy_loss)
