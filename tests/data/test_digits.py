from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from safs.data import PARTS, Examples, Part, load_info, load_part
from safs.data.digits import read_digits


@pytest.fixture(scope="module")
def parts(digits_folder: Path) -> dict[Part, Examples]:
    return {part: load_part(digits_folder, part) for part in PARTS}


def images(parts: dict[Part, Examples]) -> Counter[bytes]:
    return Counter(image.tobytes() for part in PARTS for image in parts[part].x)


def test_the_split_is_60_20_20(digits_folder: Path):
    assert load_info(digits_folder).sizes == {"train": 1078, "validation": 359, "test": 360}


def test_images_are_28x28_bytes_over_the_whole_range(parts: dict[Part, Examples]):
    for part in PARTS:
        x, y = parts[part].x, parts[part].y
        assert x.shape == (len(y), 1, 28, 28)
        assert x.dtype == np.uint8
        assert y.dtype == np.int64
        assert (x.min(), x.max()) == (0, 255)


def test_every_class_has_its_share_of_every_part(parts: dict[Part, Examples]):
    whole = np.bincount(load_digits().target)
    for part in PARTS:
        share = np.bincount(parts[part].y, minlength=10)
        np.testing.assert_allclose(share, whole * len(parts[part].y) / whole.sum(), atol=1)


def test_every_image_is_in_exactly_one_part(parts: dict[Part, Examples]):
    digits = load_digits()
    assert sum(len(parts[part].y) for part in PARTS) == len(digits.target)
    # how often each picture occurs, in the original and after enlarging
    original = Counter(image.tobytes() for image in digits.images)
    assert sorted(images(parts).values()) == sorted(original.values())
    labels = np.concatenate([parts[part].y for part in PARTS])
    assert np.array_equal(np.sort(labels), np.sort(digits.target))


def test_the_split_depends_on_the_seed_alone(parts: dict[Part, Examples]):
    again, other = read_digits(0), read_digits(1)
    for part in PARTS:
        assert np.array_equal(again[part].x, parts[part].x)
        assert np.array_equal(again[part].y, parts[part].y)
    assert not np.array_equal(other["train"].x, parts["train"].x)
    assert images(other) == images(parts)


def test_enlarging_keeps_the_ink(parts: dict[Part, Examples]):
    mean = np.concatenate([parts[part].x for part in PARTS]).mean() / 255
    assert mean == pytest.approx(load_digits().images.mean() / 16, abs=0.005)
