"""Monotonic curves that raw values of sensors are read off before they are normalised. NumPy alone."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Curves: TypeAlias = tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]
"""For each channel rising values, and what each of them becomes; straight lines between them, constant beyond them."""


def along(x: NDArray[Any], curves: Curves) -> NDArray[Any]:
    """Read values [batch, channels, ...] off their channels' curves; as they are if there are no curves."""
    if not curves:
        return x
    read = [np.interp(x[:, channel], values, becomes) for channel, (values, becomes) in enumerate(curves)]
    return np.stack(read, 1).astype(np.float32)


def as_curves(raw: Any, channels: int) -> Curves:
    """Curves as JSON holds them.

    Raises:
        ValueError: they are not one a channel, of finite numbers, with rising values.
    """
    try:
        curves = tuple((tuple(map(float, values)), tuple(map(float, becomes))) for values, becomes in raw)
    except (TypeError, OverflowError):
        raise ValueError("curves must be pairs of lists of numbers") from None
    for values, becomes in curves:
        sound = len(values) == len(becomes) > 0 and all(np.diff(values) > 0) and np.isfinite([values, becomes]).all()
        if not sound:
            raise ValueError("a curve must have as many numbers as rising values, all finite")
    if curves and len(curves) != channels:
        raise ValueError(f"there are {len(curves)} curves for {channels} channels")
    return curves
