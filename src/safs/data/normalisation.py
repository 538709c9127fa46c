"""Mean, deviation and curves of every channel; learnt from the training part alone."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from safs.data.quantiles import quantiles
from safs.data.rows import Rows, chunks
from safs.runtime.curves import Curves, along

KNOTS = 33  # points of a curve


def channel_statistics(x: Rows, curves: Curves = ()) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of every channel of images [count, channels, height, width], as fractions of 255.

    Series of floats [count, channels, length] are taken as they are, or read off curves first.

    Those of images come from exact counts of the 256 values. A channel of one value has standard deviation 1, for a
    division by it to change nothing.
    """
    if x.dtype != np.uint8:
        return _statistics_of_floats(x, curves)
    values = np.arange(256) / 255
    counts = np.zeros((x.shape[1], 256), np.int64)
    for chunk in chunks(x):
        for channel in range(x.shape[1]):
            counts[channel] += np.bincount(chunk[:, channel].ravel(), minlength=256)
    means, deviations = [], []
    for count in counts:
        share = count / count.sum()
        mean = float(share @ values)
        means.append(mean)
        deviations.append(float(np.sqrt(share @ (values - mean) ** 2)) or 1.0)
    return tuple(means), tuple(deviations)


def _statistics_of_floats(x: Rows, curves: Curves) -> tuple[tuple[float, ...], tuple[float, ...]]:
    def average(of: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> NDArray[np.float64]:
        total = np.zeros(x.shape[1])
        for chunk in chunks(x):
            total += of(along(chunk, curves).astype(np.float64)).sum((0, 2))
        return total / (len(x) * x.shape[2])

    means = average(lambda values: values)
    deviations = np.sqrt(average(lambda values: (values - means[:, None]) ** 2))
    return tuple(means.tolist()), tuple(float(value) or 1.0 for value in deviations)


def rank_curves(x: Rows) -> Curves:
    """Curves that give each value of a series its place among all values of its channel, from 0 to 1.

    A machine in two states has two heaps of values far apart. Divided by the deviation of both together, what happens
    within a state vanishes; places among all values keep it. Equal quantiles become one point, at the mean of their places.

    Args:
        x: series [count, channels, length], float32.
    """
    places = np.linspace(0, 1, KNOTS)
    curves = []
    for found in quantiles(x, places):
        values, home = np.unique(found, return_inverse=True)
        becomes = np.bincount(home, places) / np.bincount(home)
        curves.append((tuple(values.tolist()), tuple(becomes.tolist())))
    return tuple(curves)
