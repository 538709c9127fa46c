"""A user's own data as tensors in memory."""

from collections.abc import Iterable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from safs.data.tensors import Batchable
from safs.errors import SafsError

Batches: TypeAlias = Batchable | tuple[Tensor, Tensor] | Iterable[tuple[Tensor, Tensor]]


def as_batchable(data: Batches) -> Batchable:
    """Bring images and labels, however they are given, into memory as one pair of tensors.

    Args:
        data: a `Batchable`, a pair (x, y) of tensors, or anything that yields batches (x, y), such as a `DataLoader`;
            it is read once, so random augmentation belongs to the training's own `augment`.

    Returns:
        x [count, ...] as float32 and y [count] as int64.

    Raises:
        SafsError: there is nothing in it, or it does not hold pairs of inputs and integer labels.
    """
    if isinstance(data, Batchable):
        return data
    whole = isinstance(data, tuple) and all(isinstance(part, Tensor) for part in data)
    pairs: list[Any] = [data] if whole else list(data)
    if not pairs:
        raise SafsError("the data is empty; give at least one batch (x, y)")
    for pair in pairs:
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(part, Tensor) for part in pair)):
            raise SafsError(f"a batch is {type(pair).__name__} instead of a pair (inputs, labels) of tensors")
    x = torch.cat([torch.as_tensor(pair[0]) for pair in pairs]).float()
    y = torch.cat([torch.as_tensor(pair[1]) for pair in pairs])
    if y.is_floating_point() or y.ndim != 1 or len(x) != len(y):
        raise SafsError(f"inputs {list(x.shape)} and labels {y.dtype} {list(y.shape)} do not belong together")
    return Batchable(x, y.long())
