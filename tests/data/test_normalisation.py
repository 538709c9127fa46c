from typing import Any

import numpy as np
import pytest

from safs.data import channel_statistics, rank_curves
from safs.runtime.curves import along, as_curves


def test_statistics_are_those_of_the_pixels_as_fractions():
    x = np.random.default_rng(0).integers(0, 256, (50, 3, 4, 5), np.uint8)
    mean, std = channel_statistics(x)
    np.testing.assert_allclose(mean, (x / 255).mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(std, (x / 255).std((0, 2, 3)), rtol=1e-12)


def test_a_channel_of_one_value_is_not_divided_by_zero():
    mean, std = channel_statistics(np.full((2, 1, 3, 3), 51, np.uint8))
    assert mean == (0.2,)
    assert std == (1.0,)


def test_a_curve_gives_each_value_its_place():
    x = np.random.default_rng(0).exponential(size=(40, 2, 25)).astype(np.float32)
    read = along(x, rank_curves(x))
    for channel in range(2):
        place = np.searchsorted(np.sort(x[:, channel].ravel()), x[:, channel]) / x[:, channel].size
        np.testing.assert_allclose(read[:, channel], place, atol=0.02)
    far = along(np.float32([[[-9], [9e9]]]), rank_curves(x))
    assert far.ravel().tolist() == [0, 1]


def test_a_value_that_most_have_lies_in_the_middle_of_its_places():
    x = np.zeros((10, 1, 10), np.float32)
    x[:2] = np.arange(20).reshape(2, 1, 10)
    assert along(np.zeros((1, 1, 1)), rank_curves(x)).item() == pytest.approx(0.4, abs=0.02)
    assert along(np.float32([[[19]]]), rank_curves(x)).item() == 1


def test_a_channel_of_one_value_has_a_curve():
    x = np.full((3, 1, 4), 7, np.float32)
    assert along(x, rank_curves(x)).tolist() == np.full((3, 1, 4), 0.5).tolist()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([[[0, 1], [0, 1]]], "1 curves for 2 channels"),
        ([[[1, 0], [0, 1]]] * 2, "rising"),
        ([[[0, 1], [0]]] * 2, "as many numbers"),
        ([[[], []]] * 2, "as many numbers"),
        ([[[0], [float("inf")]]] * 2, "finite"),
        ([[[0], ["a"]]] * 2, "could not convert"),
        ([3], "pairs"),
        ([[[10**400], [0]]] * 2, "pairs"),
    ],
)
def test_curves_that_are_none_are_refused(raw: Any, message: str):
    with pytest.raises(ValueError, match=message):
        as_curves(raw, 2)
