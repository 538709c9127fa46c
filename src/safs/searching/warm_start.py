"""Candidates from earlier studies, to be tried right after the model's own operators."""

from collections.abc import Sequence

from safs.searching.strategy import Candidate
from safs.searching.study import Study


def earlier_candidates(
    studies: Sequence[Study], architecture: str, layers: int, operators: Sequence[str], count: int
) -> list[Candidate]:
    """The best candidates of earlier studies that fit this search.

    Studies of the same architecture come first. One of another architecture lends its operators by relative depth: the
    first layer's to the first, the last one's to the last.

    Args:
        studies: earlier studies.
        architecture: of the network that is searched now.
        layers: how many sites it has.
        operators: what there is to choose from; a candidate with another operator is left out.
        count: how many candidates to give at most.
    """
    found: list[tuple[bool, int, float, Candidate]] = []
    for study in studies:
        for trial in study.trials:
            candidate = _stretched(tuple(trial.activations.values()), layers)
            if set(candidate) <= set(operators):
                same = bool(architecture) and study.architecture == architecture
                found.append((same, trial.number == study.best, trial.accuracy, candidate))
    found.sort(key=lambda entry: entry[:3], reverse=True)
    return list(dict.fromkeys(candidate for *_, candidate in found))[:count]


def _stretched(candidate: Candidate, layers: int) -> Candidate:
    """A candidate for another number of layers."""
    last = len(candidate) - 1
    return tuple(candidate[round(layer * last / max(layers - 1, 1))] for layer in range(layers))
