"""A part of a data set as tensors that stay in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safs.data.dataset import Part, load_info, load_part
from safs.data.rows import Rows
from safs.errors import SafsError
from safs.runtime.curves import Curves, along


@dataclass(frozen=True)
class Batchable:
    """Normalised images or series and their labels.

    Attributes:
        x: [count, channels, height, width] or [count, channels, length], float32.
        y: [count], int64.
        weights: [classes], how often each class is drawn against its share of the data; None for each example once.
    """

    x: Tensor
    y: Tensor
    weights: Tensor | None = None

    def order(self, generator: torch.Generator) -> Tensor:
        """Indices of an epoch [count], int64: each example once, or drawn by the weights of the classes."""
        if self.weights is None:
            return torch.randperm(len(self.y), generator=generator)
        return torch.multinomial(self.weights[self.y], len(self.y), replacement=True, generator=generator)


def normalise(pixels: Tensor, mean: Sequence[float], std: Sequence[float], curves: Curves = ()) -> Tensor:
    """Bring images in [0, 1] or series, [batch, channels, ...], to the scale a network was trained on."""
    pixels = torch.from_numpy(along(pixels.numpy(), curves)) if curves else pixels
    shape = (1, len(mean), *(1,) * (pixels.ndim - 2))
    return (pixels - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)


def load_tensors(folder: Path, part: Part) -> Batchable:
    """Read a part of a data set as normalised tensors.

    Raises:
        SafsError: the data set is missing or damaged.
    """
    info, examples = load_info(folder), load_part(folder, part)
    x, y, count = examples.x, examples.y, info.sizes[part]
    types_right = x.dtype == (np.uint8 if len(info.shape) == 3 else np.float32) and y.dtype == np.int64
    if not types_right or x.shape != (count, *info.shape) or y.shape != (count,):
        raise SafsError(
            f"the {part} part of the data set {str(folder)!r} is not what dataset.json says: inputs {x.dtype} {x.shape}, "
            f"labels {y.dtype} {y.shape}; make it again"
        )
    if y.min() < 0 or y.max() >= len(info.classes):
        raise SafsError(
            f"the {part} part of the data set {str(folder)!r} has labels outside of its classes; make it again"
        )
    inputs = torch.from_numpy(as_inputs(x))
    weights = torch.tensor(info.weights) if info.weights and part == "train" else None
    return Batchable(normalise(inputs, info.mean, info.std, info.curves), torch.from_numpy(y), weights)


def as_inputs(examples: Rows) -> NDArray[np.float32]:
    """What a user hands to a model: pixels in [0, 1], or series as they are."""
    x: NDArray[Any] = examples[:]
    return x.astype(np.float32) / np.float32(255) if x.dtype == np.uint8 else x.astype(np.float32)
