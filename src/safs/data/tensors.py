"""A part of a data set as normalised inputs: tensors in memory, or read and normalised batch by batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safs.data.dataset import Part, load_info, open_part
from safs.data.memory import budget_bytes
from safs.data.rows import CHUNK, Rows, pick
from safs.errors import SafsError
from safs.runtime.curves import Curves, along

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Streamed:
    """Inputs that stand where a tensor [count, channels, ...] does; what is asked for is read, normalised and moved then.

    Attributes:
        rows: the examples as they are kept.
        mean: see `normalise`.
        std: see `normalise`.
        curves: see `normalise`.
        device: where batches go.
    """

    rows: Rows
    mean: tuple[float, ...]
    std: tuple[float, ...]
    curves: Curves = ()
    device: torch.device = CPU
    dtype = torch.float32

    @property
    def shape(self) -> torch.Size:
        """Sizes, the count first."""
        return torch.Size(self.rows.shape)

    @property
    def ndim(self) -> int:
        """How many sizes there are."""
        return len(self.rows.shape)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        chosen = self.rows[index.cpu().numpy() if isinstance(index, Tensor) else index]
        batch = normalise(torch.from_numpy(as_inputs(chosen)), self.mean, self.std, self.curves)
        if self.device.type != "cuda":
            return batch.to(self.device)
        return batch.pin_memory().to(self.device, non_blocking=True)  # the next one is read while the GPU computes

    def split(self, size: int) -> Iterator[Tensor]:
        """Batches in order, as `Tensor.split` has them."""
        return (self[start : start + size] for start in range(0, len(self), size))

    def to(self, device: torch.device) -> "Streamed":
        """The same with batches on another device."""
        return replace(self, device=device)

    def whole(self) -> Tensor:
        """All of it as a tensor."""
        x = torch.empty(self.shape, device=self.device)
        size = max(1, CHUNK // max(1, 4 * x[:1].numel()))
        for target, batch in zip(x.split(size), self.split(size), strict=True):
            target.copy_(batch)
        return x


Inputs: TypeAlias = Tensor | Streamed


@dataclass(frozen=True)
class Batchable:
    """Normalised images or series and their labels.

    Attributes:
        x: [count, channels, height, width] or [count, channels, length], float32.
        y: [count], int64.
        weights: [classes], how often each class is drawn against its share of the data; None for each example once.
    """

    x: Inputs
    y: Tensor
    weights: Tensor | None = None

    def order(self, generator: torch.Generator) -> Tensor:
        """Indices of an epoch [count], int64: each example once, or drawn by the weights of the classes."""
        if self.weights is None:
            return torch.randperm(len(self.y), generator=generator)
        return torch.multinomial(self.weights[self.y], len(self.y), replacement=True, generator=generator)

    def some(self, index: Tensor) -> "Batchable":
        """The examples of these numbers; what is streamed stays so."""
        if isinstance(self.x, Tensor):
            return Batchable(self.x[index], self.y[index])
        return Batchable(replace(self.x, rows=pick(self.x.rows, index.numpy())), self.y[index])


def normalise(pixels: Tensor, mean: Sequence[float], std: Sequence[float], curves: Curves = ()) -> Tensor:
    """Bring images in [0, 1] or series, [batch, channels, ...], to the scale a network was trained on."""
    pixels = torch.from_numpy(along(pixels.numpy(), curves)) if curves else pixels
    shape = (1, len(mean), *(1,) * (pixels.ndim - 2))
    return (pixels - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)


def load_tensors(folder: Path, part: Part, memory_gib: float = 0.0) -> Batchable:
    """Read a part of a data set as normalised tensors; it stays on disk if the data set outgrows the memory.

    Args:
        folder: the data set.
        part: which part.
        memory_gib: what the whole data set may take as 32-bit floats, in GiB; 0 for a quarter of what is free.

    Raises:
        SafsError: the data set is missing or damaged.
    """
    info, examples = load_info(folder), open_part(folder, part)
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
    inputs = Streamed(x, info.mean, info.std, info.curves)
    size = 4 * int(np.prod(info.shape)) * sum(info.sizes.values())
    weights = torch.tensor(info.weights) if info.weights and part == "train" else None
    return Batchable(inputs if size > budget_bytes(memory_gib) else inputs.whole(), torch.from_numpy(y), weights)


def as_inputs(examples: Rows) -> NDArray[np.float32]:
    """What a user hands to a model: pixels in [0, 1], or series as they are."""
    x: NDArray[Any] = examples[:]
    return x.astype(np.float32) / np.float32(255) if x.dtype == np.uint8 else x.astype(np.float32)
