"""A few numbers an example, by which its distribution is compared: per channel, and over a coarse grid."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
GRID = 4  # places a side of an image, or along a series


def features_of(x: Floats) -> dict[str, Floats]:
    """Features of examples, each [count].

    By channel: mean, standard deviation, lowest and highest twentieth, roughness (mean difference of neighbours, which blur
    lowers and noise raises), and the means of the places of a 4x4 grid, or of the quarters of a series.

    Args:
        x: images in [0, 1] [count, channels, height, width], or series [count, channels, length].
    """
    found: dict[str, Floats] = {}
    for channel in range(x.shape[1]):
        one = x[:, channel].astype(np.float64)
        flat, name = one.reshape(len(one), -1), f"channel {channel}"
        found[f"{name} mean"] = flat.mean(1)
        found[f"{name} deviation"] = flat.std(1)
        found[f"{name} low"], found[f"{name} high"] = np.quantile(flat, [0.05, 0.95], axis=1)
        found[f"{name} roughness"] = np.abs(np.diff(one, axis=-1)).reshape(len(one), -1).mean(1)
        for place, mean in _places(one).items():
            found[f"{name} at {place}"] = mean
    return found


def _places(one: Floats) -> dict[str, Floats]:
    along = np.array_split(np.arange(one.shape[-1]), min(GRID, one.shape[-1]))
    if one.ndim == 2:
        return {str(i): one[:, part].mean(1) for i, part in enumerate(along)}
    down = np.array_split(np.arange(one.shape[1]), min(GRID, one.shape[1]))
    return {
        f"{i},{j}": one[:, rows][:, :, columns].mean((1, 2))
        for i, rows in enumerate(down)
        for j, columns in enumerate(along)
    }


def blank_share(x: Floats) -> float:
    """The share of examples with one value everywhere: a covered lens, a sensor that is off."""
    flat = x.reshape(len(x), -1)
    return float((flat == flat[:, :1]).all(1).mean())


def repeated_share(x: Floats) -> float:
    """The share of examples that are equal to an earlier one: a camera that hangs, a file that came twice."""
    return 1 - len({example.tobytes() for example in np.ascontiguousarray(x)}) / len(x)
