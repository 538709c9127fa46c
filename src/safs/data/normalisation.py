"""How pixels and sensors' values are brought to one scale, by channel; learnt from the training part alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from safs.runtime.curves import Curves

KNOTS = 33  # points of a curve


def channel_statistics(x: NDArray[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of every channel of images [count, channels, height, width], as fractions of 255.

    Series of floats [count, channels, length] are taken as they are.

    They come from exact counts of the 256 values, so that no large array of floats is made. A channel of one value
    has standard deviation 1, for a division by it to change nothing.
    """
    if x.dtype != np.uint8:
        flat = x.astype(np.float64).transpose(1, 0, 2).reshape(x.shape[1], -1)
        means, deviations = flat.mean(1).tolist(), [float(value) or 1.0 for value in flat.std(1)]
        return tuple(means), tuple(deviations)
    values = np.arange(256) / 255
    means, deviations = [], []
    for channel in range(x.shape[1]):
        share = np.bincount(x[:, channel].ravel(), minlength=256) / x[:, channel].size
        mean = float(share @ values)
        means.append(mean)
        deviations.append(float(np.sqrt(share @ (values - mean) ** 2)) or 1.0)
    return tuple(means), tuple(deviations)


def rank_curves(x: NDArray[Any]) -> Curves:
    """Curves that give each value of a series its place among all values of its channel, from 0 to 1.

    A machine in two states has two heaps of values far apart. Divided by the deviation of both together, what happens
    within a state vanishes; places among all values keep it. Equal quantiles become one point, at the mean of their places.

    Args:
        x: series [count, channels, length].
    """
    places = np.linspace(0, 1, KNOTS)
    curves = []
    for channel in range(x.shape[1]):
        values, home = np.unique(np.quantile(x[:, channel].astype(np.float64), places), return_inverse=True)
        becomes = np.bincount(home, places) / np.bincount(home)
        curves.append((tuple(values.tolist()), tuple(becomes.tolist())))
    return tuple(curves)
