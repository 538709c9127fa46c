"""Mean and standard deviation of pixels or of sensors' values, by channel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
