"""Learning rate schedules as factors of the initial rate, by progress in [0, 1)."""

import math
from collections.abc import Callable, Mapping

SCHEDULES: Mapping[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda progress: 0.5 * (1 + math.cos(math.pi * progress)),
    "linear": lambda progress: 1 - progress,
    "step": lambda progress: 0.1 ** math.floor(3 * progress),  # a tenth after each third
}
