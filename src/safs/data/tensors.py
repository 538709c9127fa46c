"""A part of a data set as tensors that stay in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from safs.data.dataset import Part, load_info, load_part
from safs.errors import SafsError


@dataclass(frozen=True)
class Batchable:
    """Normalised images and their labels.

    Attributes:
        x: [count, channels, height, width], float32.
        y: [count], int64.
    """

    x: Tensor
    y: Tensor


def normalise(pixels: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Bring pixels in [0, 1], shaped [batch, channels, height, width], to the scale a network was trained on."""
    shape = (1, len(mean), 1, 1)
    return (pixels - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)


def load_tensors(folder: Path, part: Part) -> Batchable:
    """Read a part of a data set as normalised tensors.

    Raises:
        SafsError: the data set is missing or damaged.
    """
    info, examples = load_info(folder), load_part(folder, part)
    x, y, count = examples.x, examples.y, info.sizes[part]
    types_right = x.dtype == np.uint8 and y.dtype == np.int64
    if not types_right or x.shape != (count, *info.shape) or y.shape != (count,):
        raise SafsError(
            f"the {part} part of the data set {str(folder)!r} is not what dataset.json says: images {x.dtype} {x.shape}, "
            f"labels {y.dtype} {y.shape}; make it again"
        )
    if y.min() < 0 or y.max() >= len(info.classes):
        raise SafsError(
            f"the {part} part of the data set {str(folder)!r} has labels outside of its classes; make it again"
        )
    pixels = torch.from_numpy(examples.x).float() / 255
    return Batchable(normalise(pixels, info.mean, info.std), torch.from_numpy(examples.y))
