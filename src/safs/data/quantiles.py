"""Exact quantiles of more values than are held at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safs.data.rows import Rows, chunks

DIGITS = ((21, 11), (10, 11), (0, 10))  # shift and bits: the 32 bits of a value, from the top


def quantiles(x: Rows, places: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """What `numpy.quantile` gives for the float32 values of each channel.

    The values at both sides of each place are found digit by digit, as in a radix sort: three passes, each of which counts.

    Args:
        x: series [count, channels, length], float32.
        places: from 0 to 1.

    Returns:
        [channels, places].
    """
    count = len(x) * int(np.prod(x.shape[2:]))
    exact = (count - 1) * np.asarray(places, np.float64)
    below = np.floor(exact).astype(np.int64)
    above = np.minimum(below + 1, count - 1)
    found = order_statistics(x, np.concatenate([below, above]))
    low, high = found[:, : len(below)], found[:, len(below) :]
    share, gap = exact - below, high - low
    return np.where(share < 0.5, low + gap * share, high - gap * (1 - share))  # as NumPy rounds it


def order_statistics(x: Rows, ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """The values of these ranks, 0 for the least, among all values of each channel: [channels, ranks]."""
    channels = x.shape[1]
    heads = np.zeros((channels, len(ranks)), np.uint64)  # the digits known so far
    left = np.tile(ranks, (channels, 1))  # the rank among the values with these digits
    for shift, bits in DIGITS:
        known = [np.unique(head) for head in heads]
        counts = [np.zeros((len(head), 1 << bits), np.int64) for head in known]
        for chunk in chunks(x):
            for channel in range(channels):
                _count(_keys(chunk[:, channel]), known[channel], counts[channel], shift, bits)
        for channel in range(channels):
            sums = counts[channel].cumsum(1)
            for place, head in enumerate(heads[channel]):
                row = sums[np.searchsorted(known[channel], head)]
                digit = int(np.searchsorted(row, left[channel, place], side="right"))
                left[channel, place] -= row[digit - 1] if digit else 0
                heads[channel, place] = (int(head) << bits) | digit
    return _values(heads)


def _count(
    keys: NDArray[np.uint64], known: NDArray[np.uint64], counts: NDArray[np.int64], shift: int, bits: int
) -> None:
    heads = keys >> np.uint64(shift + bits)
    place = np.minimum(np.searchsorted(known, heads), len(known) - 1)
    digits = (keys >> np.uint64(shift)).astype(np.int64) & ((1 << bits) - 1)
    chosen = known[place] == heads
    counts += np.bincount(place[chosen] * (1 << bits) + digits[chosen], minlength=counts.size).reshape(counts.shape)


def _keys(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Whole numbers in the order of the floats: negative ones have all bits turned, the others the sign."""
    bits = np.ascontiguousarray(values, np.float32).ravel().view(np.uint32)
    return np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)).astype(np.uint64)


def _values(keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    words = keys.astype(np.uint32)
    bits = np.where(words >> 31, words & np.uint32((1 << 31) - 1), ~words).astype(np.uint32)
    return bits.view(np.float32).astype(np.float64) + 0.0  # -0 is 0
