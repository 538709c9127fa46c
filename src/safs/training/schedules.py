"""Learning rate schedules as factors of the initial rate."""

import math
from collections.abc import Callable, Mapping, Sequence

from safs.training.score import WORST, Score
from safs.training.settings import Hyperparameters

CYCLES = 3  # of cosine with restarts, each twice as long as the one before
PLATEAU_FACTOR = 0.3
PLATEAU_PART = 0.1  # of the training without a better score: then the rate falls


def cosine(progress: float) -> float:
    """Half a period of the cosine, from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def restarts(progress: float) -> float:
    """Cosine with warm restarts, 3 cycles of 1, 2 and 4 parts (Loshchilov and Hutter 2017, arXiv:1608.03983)."""
    parts = progress * (2**CYCLES - 1) + 1  # cycle c holds the parts from 2**c to 2**(c + 1)
    cycle = int(math.log2(parts))
    return cosine(parts / 2**cycle - 1)


SCHEDULES: Mapping[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": cosine,
    "restarts": restarts,
    "linear": lambda progress: 1 - progress,
    "step": lambda progress: 0.1 ** math.floor(3 * progress),  # a tenth after each third
    "plateau": lambda _: 1.0,  # falls by what validation says: plateau()
}


def plateau(scores: Sequence[Score], epochs: int) -> float:
    """The factor of reduce-on-plateau after these scores: times 0.3 for each tenth of the training without progress.

    Args:
        scores: validation scores of the epochs so far.
        epochs: of the whole training.
    """
    patience = max(1, round(PLATEAU_PART * epochs))
    factor, best, waited = 1.0, WORST, 0
    for score in scores:
        if score > best:
            best, waited = score, 0
        else:
            waited += 1
        if waited > patience:
            factor, waited = factor * PLATEAU_FACTOR, 0
    return factor


def rate_factors(settings: Hyperparameters, scores: Sequence[Score], epochs: int, steps: int) -> list[float]:
    """The factors of the learning rate for every step of the next epoch.

    Args:
        settings: schedule and warm-up: the rate rises linearly during the first `warmup` part of the training.
        scores: validation scores of the epochs so far.
        epochs: of the whole training.
        steps: of an epoch.
    """
    schedule, warmup, total = SCHEDULES[settings.schedule], settings.warmup, epochs * steps
    reduced = plateau(scores, epochs) if settings.schedule == "plateau" else 1.0
    factors = []
    for step in range(steps):
        progress = (len(scores) + step / steps) / epochs
        if progress < warmup:
            factors.append(min(1.0, (progress + 1 / total) / warmup))
        else:
            factors.append(reduced * schedule((progress - warmup) / (1 - warmup)))
    return factors
