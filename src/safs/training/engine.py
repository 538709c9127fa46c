"""What trains a model: one protocol for PyTorch on any device and for native kernels."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from safs.data.tensors import Batchable
from safs.errors import SafsError
from safs.pruning.masks import Masks
from safs.training.score import Score
from safs.training.settings import Compute, Hyperparameters
from safs.training.torch_engine import TorchEngine


class Engine(Protocol):
    """One model in training on one part of a data set.

    An engine may keep the weights in its own form: the model has them after `sync`. All its randomness (dropout,
    augmentation) follows from the order that it is given, so that it has no generator of its own to remember.
    """

    def epoch(self, order: Tensor, rates: Sequence[float]) -> float:
        """Train on the images of these indices, a whole epoch or a part of one.

        Args:
            order: [count], int64 on the CPU, at least one.
            rates: the factor of the learning rate for each step of `batch_size` images; the last may be smaller.

        Returns:
            The mean training loss over the images; not finite where the training has diverged.
        """

    def measure(self, data: Batchable) -> Score:
        """The score on a part of a data set; `WORST` where the weights are no longer finite."""

    def mask(self, masks: Masks) -> None:
        """Zero the weights that these masks leave out, now and after every step (gradual pruning)."""

    def sync(self) -> None:
        """Write weights, scales and buffers back into the model."""

    def state(self) -> dict[str, Tensor]:
        """Copies of what the optimizer remembers, for a checkpoint."""

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave; the model had the weights of that moment when the engine was made."""

    def close(self) -> None:
        """Let go of the model, as it is, on the device it came from."""


def torch_alone(settings: Hyperparameters) -> str | None:
    """What of these hyperparameters PyTorch alone has; None where every engine has all of them."""
    used = {
        "augmentation": settings.augment != "none",
        "gradient clipping": settings.clip_norm > 0,
    }
    return next((name for name, wanted in used.items() if wanted), None)


def make_engine(
    model: nn.Module,
    training: Batchable,
    settings: Hyperparameters,
    masks: Masks | None = None,
    compute: Compute = Compute(),
) -> Engine:
    """The engine that trains a model best on this machine.

    Args:
        model: the network, trained in place.
        training: what is learnt from.
        settings: the hyperparameters.
        masks: weights to keep at zero.
        compute: what to compute with.

    Raises:
        SafsError: what was asked for is not there, or is not for this model or these hyperparameters.
    """
    reason = torch_alone(settings)
    if reason and compute.backend == "native":
        raise SafsError(f"backend 'native' has no {reason}; take backend 'auto' or 'torch'")
    if reason:
        compute = Compute("torch", compute.device, compute.precision, compute.compile)
    return _make_engine(model, training, settings, masks, compute)


def _make_engine(
    model: nn.Module,
    training: Batchable,
    settings: Hyperparameters,
    masks: Masks | None = None,
    compute: Compute = Compute(),
) -> Engine:
    """The engine for hyperparameters that every engine has; see `make_engine`."""
    if compute.backend != "torch":
        reason = _not_native(compute)
        if reason is None:
            from safs.native.layers import NotLowerable
            from safs.training.native_engine import NativeEngine, worth_it

            try:
                if compute.backend == "native" or worth_it(model, training, masks):
                    return NativeEngine(model, training, settings, masks)
            except NotLowerable as error:
                reason = str(error)
        if compute.backend == "native":
            raise SafsError(f"backend 'native' cannot train this: {reason}; take backend 'auto' or 'torch'")
    if masks and compute.backend == "auto" and not compute.compile:
        from safs.training.compacted_engine import CompactedEngine, compacted_for_training

        small = compacted_for_training(model, training, masks)
        if small is not None:
            return CompactedEngine(small, training, settings, masks, compute)
    return TorchEngine(model, training, settings, masks, compute)


def _not_native(compute: Compute) -> str | None:
    """Why what was asked for is PyTorch's alone; None where it is not."""
    there = torch.cuda.is_available() and compute.backend != "native"  # who asks for the kernels means the CPU
    if compute.device == "cuda" or (compute.device == "auto" and there):
        return "it computes on the CPU alone and the device is a GPU"
    if compute.precision != "float32":
        return f"precision is {compute.precision!r} and it computes in float32"
    return "compile is for PyTorch" if compute.compile else None
