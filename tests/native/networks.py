"""Small networks and data for the tests of the kernels."""

import torch

from safs.activations import activation_sites, set_activations
from safs.data.tensors import Batchable
from safs.models.lenet import LeNet5
from safs.pruning.masks import apply_masks, prunable_weights


def images(count=90, side=20, channels=1, classes=5, seed=0):
    """Noise with a bright square whose place is the class."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(count, channels, side, side, generator=generator)
    y = torch.randint(0, classes, (count,), generator=generator)
    for image, label in zip(x, y, strict=True):
        image[:, 3 * label : 3 * label + 4, 4:12] += 1.0
    return Batchable(x, y)


def lenet(operator="relu", scales="fixed", side=20, channels=1, classes=5, seed=0, **initial):
    torch.manual_seed(seed)
    model = LeNet5((channels, side, side), classes)
    set_activations(model, dict.fromkeys(activation_sites(model), operator), scales, initial=initial)
    return model


def random_masks(model, density, seed=0):
    """Masks that keep a random share of every layer, applied to the model."""
    generator = torch.Generator().manual_seed(seed)
    masks = {
        name: torch.rand(weight.shape, generator=generator) < density
        for name, weight in prunable_weights(model).items()
    }
    apply_masks(model, masks)
    return masks
