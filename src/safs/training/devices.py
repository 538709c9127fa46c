"""Where PyTorch computes: the CPU or a GPU, and what has to be said when there is none, or it is too small."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from safs.data.tensors import Batchable
from safs.errors import SafsError
from safs.training.settings import Compute


def device_of(compute: Compute) -> torch.device:
    """The device to compute on.

    Raises:
        SafsError: it is not there.
    """
    there = torch.cuda.is_available()
    if compute.device == "cuda" and not there:
        raise SafsError("device is 'cuda', but PyTorch sees no GPU; take device 'cpu' or 'auto'")
    return torch.device("cuda" if there and compute.device != "cpu" else "cpu")


@contextmanager
def room_for(what: str, instead: str) -> Iterator[None]:
    """Say what a GPU's memory was too small for.

    Raises:
        SafsError: it was.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise SafsError(f"the GPU's memory is too small for {what}; {instead}, or take device 'cpu'") from None


def resident(data: Batchable, device: torch.device) -> Batchable:
    """The same data on a device; what is streamed stays where it is.

    Raises:
        SafsError: it does not fit on the GPU.
    """
    with room_for(f"inputs {list(data.x.shape)} in float32", "read them from disk with a smaller memory_gib"):
        return Batchable(data.x.to(device), data.y.to(device))


@contextmanager
def reproducible() -> Iterator[None]:
    """Let cuDNN take none but algorithms that give the same result every time; what else is set for it stays."""
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before
