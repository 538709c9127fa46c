"""Mean and standard deviation of the pixels, by channel."""

import numpy as np
from numpy.typing import NDArray


def channel_statistics(x: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of every channel of images [count, channels, height, width], as fractions of 255.

    They come from exact counts of the 256 values, so that no large array of floats is made. A channel of one value
    has standard deviation 1, for a division by it to change nothing.
    """
    values = np.arange(256) / 255
    means, deviations = [], []
    for channel in range(x.shape[1]):
        share = np.bincount(x[:, channel].ravel(), minlength=256) / x[:, channel].size
        mean = float(share @ values)
        means.append(mean)
        deviations.append(float(np.sqrt(share @ (values - mean) ** 2)) or 1.0)
    return tuple(means), tuple(deviations)
