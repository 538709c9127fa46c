"""Augmentation of a batch on the device that it is on; the draws come from that device's global generator."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

PADDING = 4  # pixels


def crop_flip(x: Tensor) -> Tensor:
    """Random crops of the padded images, half of them mirrored, as He et al. 2016 (arXiv:1512.03385) train on CIFAR-10.

    Args:
        x: normalised images [batch, channels, height, width].

    Returns:
        Images of the same shape; what lies outside of an image is 0, the data set's mean.
    """
    batch, channels, height, width = x.shape
    padded = F.pad(x, (PADDING,) * 4)
    top, left = torch.randint(2 * PADDING + 1, (2, batch, 1), device=x.device)
    mirrored = torch.rand(batch, 1, device=x.device) < 0.5
    rows = top + torch.arange(height, device=x.device)  # [batch, height]
    columns = left + torch.arange(width, device=x.device)  # [batch, width]
    columns = torch.where(mirrored, columns.flip(1), columns)
    image = torch.arange(batch, device=x.device)[:, None, None, None]
    channel = torch.arange(channels, device=x.device)[:, None, None]
    return padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]


AUGMENTATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {"none": lambda x: x, "crop-flip": crop_flip}
