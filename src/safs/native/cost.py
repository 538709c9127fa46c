"""When the kernels are expected to be faster than PyTorch: the one place that decides it for backend "auto"."""

from collections.abc import Mapping

from torch import Tensor

from safs.native.layers import Layer
from safs.native.liveness import DENSE_FROM

SMALL = 1_000_000  # multiplications an image below which PyTorch spends most of its time around them (LeNet-5: 282,000)
ADVANTAGE = 8  # how many times fewer multiplications a larger network must have, for each of PyTorch's threads


def multiplications(layers: list[Layer], masks: Mapping[str, Tensor]) -> tuple[int, int]:
    """Multiplications of one image's way forward: those of the kernels, and those of the dense network."""
    ours, dense = 0, 0
    for layer in layers:
        places = layer.sums[1] * layer.sums[2]
        mask = masks.get(f"{layer.name}.weight")
        weights = layer.module.weight.numel()
        left = weights if mask is None else int(mask.count_nonzero())
        dense += weights * places
        ours += (left if left < DENSE_FROM * weights else weights) * places
    return ours, dense


def pays(layers: list[Layer], masks: Mapping[str, Tensor], threads: int) -> bool:
    """Whether the kernels, on one core, are expected to train faster than PyTorch with this many threads."""
    ours, dense = multiplications(layers, masks)
    return ours <= SMALL or ours * ADVANTAGE * threads <= dense
