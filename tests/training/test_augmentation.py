from typing import get_args

import pytest
import torch

from safs.training.augmentation import AUGMENTATIONS, PADDING, crop_flip
from safs.training.settings import Augment


def test_every_augmentation_that_can_be_named_exists():
    assert set(AUGMENTATIONS) == set(get_args(Augment))


def test_none_is_the_same_images():
    x = torch.rand(3, 1, 5, 5)
    assert torch.equal(AUGMENTATIONS["none"](x), x)


@pytest.mark.parametrize("shape", [(64, 3, 9, 12), (64, 1, 28, 28)])
def test_every_image_is_a_shifted_or_mirrored_part_of_itself(shape: tuple[int, ...]):
    torch.manual_seed(0)
    x = torch.rand(shape) + 1
    height, width = shape[2:]
    seen = set()
    for image, result in zip(x, crop_flip(x), strict=True):
        padded = torch.nn.functional.pad(image, (PADDING,) * 4)
        windows = {
            (top, left): padded[:, top : top + height, left : left + width]
            for top in range(2 * PADDING + 1)
            for left in range(2 * PADDING + 1)
        }
        places = {(*place, False): window for place, window in windows.items()}
        places |= {(*place, True): window.flip(2) for place, window in windows.items()}
        found = [place for place, window in places.items() if torch.equal(window, result)]
        assert len(found) == 1
        seen.add(found[0])
    tops, lefts, flips = map(set, zip(*seen, strict=True))
    assert flips == {False, True}
    assert min(tops) < PADDING < max(tops)
    assert min(lefts) < PADDING < max(lefts)


def test_the_global_generator_decides():
    x = torch.rand(8, 1, 9, 9)
    results = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        results.append(crop_flip(x))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
