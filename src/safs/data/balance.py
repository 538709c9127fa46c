"""Classes of unequal size, and the class that raises no alarm."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from safs.errors import unknown

NORMAL = ("0", "normal", "ok", "good", "healthy", "anomaly-free", "false")


def class_weights(labels: NDArray[np.int64], classes: int) -> tuple[float, ...]:
    """How often each class is to be drawn against its share, so that all come equally often: count / (classes x its count)."""
    counts = np.bincount(labels, minlength=classes)
    return tuple((len(labels) / (classes * np.maximum(counts, 1))).tolist())


def find_normal(name: str, classes: Sequence[str], alarms: bool) -> str:
    """The class that raises no alarm: the one named, else the one whose name says so; empty if there is none.

    Args:
        name: the class, or empty.
        classes: all classes.
        alarms: whether to look for one that is not named.

    Raises:
        SafsError: the named class is unknown.
    """
    if name and name not in classes:
        raise unknown("normal_class", name, classes)
    return name or next((known for known in classes if alarms and known.lower() in NORMAL), "")
