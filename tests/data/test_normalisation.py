import numpy as np

from safs.data import channel_statistics


def test_statistics_are_those_of_the_pixels_as_fractions():
    x = np.random.default_rng(0).integers(0, 256, (50, 3, 4, 5), np.uint8)
    mean, std = channel_statistics(x)
    np.testing.assert_allclose(mean, (x / 255).mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(std, (x / 255).std((0, 2, 3)), rtol=1e-12)


def test_a_channel_of_one_value_is_not_divided_by_zero():
    mean, std = channel_statistics(np.full((2, 1, 3, 3), 51, np.uint8))
    assert mean == (0.2,)
    assert std == (1.0,)
