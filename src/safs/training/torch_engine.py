"""Training with PyTorch, on the CPU or a GPU."""

import hashlib
import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from safs.data.tensors import Batchable
from safs.pruning.masks import Masks, apply_masks, prunable_weights
from safs.training.augmentation import AUGMENTATIONS
from safs.training.devices import device_of, reproducible, resident, room_for
from safs.training.optimizers import make_optimizer, optimizer_state, restore_optimizer
from safs.training.score import Score, measure
from safs.training.settings import Compute, Hyperparameters

MEASURED = 2**23  # values of the inputs that are measured on at a time: 2,048 images of 32x32 in colour are fewer


def seed_of(order: Tensor) -> int:
    """A seed that follows from the order of the images, in [0, 2**63)."""
    return int.from_bytes(hashlib.sha256(order.numpy().tobytes()).digest()[:8], "little") >> 1


class TorchEngine:
    """Trains a model in place; see `Engine` for its methods.

    Args:
        model: the network.
        training: what is learnt from; it stays on the device.
        settings: the hyperparameters.
        masks: weights to keep at zero.
        compute: what to compute with.

    Raises:
        SafsError: the device is not there.
    """

    def __init__(
        self,
        model: nn.Module,
        training: Batchable,
        settings: Hyperparameters,
        masks: Masks | None = None,
        compute: Compute = Compute(),
    ) -> None:
        self.device = device_of(compute)
        self.origin = next((parameter.device for parameter in model.parameters()), self.device)
        self.model = model.to(self.device)
        # a graph for each size of batches, there are two, is made sooner and is faster than one for all sizes
        self.forward = torch.compile(self.model, dynamic=False) if compute.compile else self.model
        self.training = resident(training, self.device)
        self.settings = settings
        self.augment = AUGMENTATIONS[settings.augment]
        self.autocast = torch.autocast(
            self.device.type, torch.bfloat16, enabled=compute.precision == "bfloat16", cache_enabled=False
        )
        self.optimizer = make_optimizer(self.model, settings)
        self.initial_rates = [group["lr"] for group in self.optimizer.param_groups]
        self.masked: list[Tensor] = []
        self.keep: list[Tensor] = []
        self.measured: tuple[Batchable, Batchable] | None = None
        if masks:
            self.mask(masks)

    def mask(self, masks: Masks) -> None:
        weights = prunable_weights(self.model)
        masks = {name: mask.to(self.device) for name, mask in masks.items()}
        self.masked = [weights[name] for name in masks]
        self.keep = [mask.to(weights[name].dtype) for name, mask in masks.items()]
        apply_masks(self.model, masks)

    def epoch(self, order: Tensor, rates: Sequence[float]) -> float:
        self.model.train()
        total = torch.zeros((), device=self.device)
        devices = [self.device] if self.device.type == "cuda" else []
        size, there = self.settings.batch_size, order.to(self.device)
        room = room_for(f"batches of {size} examples", "take a smaller batch_size")
        chosen = (there if isinstance(self.training.x, Tensor) else order).split(size)  # the CPU reads from disk
        labels = self.training.y[there].split(size)
        with torch.random.fork_rng(devices), reproducible(), room:
            torch.manual_seed(seed_of(order))  # dropout follows the order, the global generator is left alone
            for batch, y, factor in zip(chosen, labels, rates, strict=True):
                total += self._step(self.augment(self.training.x[batch]), y, factor) * len(y)
        return float(total) / len(order)  # the only wait for a GPU

    def _step(self, x: Tensor, y: Tensor, factor: float) -> Tensor:
        """One step of the optimizer on a batch; the batch's mean loss."""
        for group, rate in zip(self.optimizer.param_groups, self.initial_rates, strict=True):
            group["lr"] = rate * factor
        self.optimizer.zero_grad()
        with self.autocast:
            loss = F.cross_entropy(self.forward(x), y, label_smoothing=self.settings.label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.settings.clip_norm:
            self._clip()
        self.optimizer.step()
        if self.masked:
            with torch.no_grad():
                torch._foreach_mul_(self.masked, self.keep)  # type: ignore[arg-type]
        return loss.detach()

    def _clip(self) -> None:
        """Bound the norm of the gradients of the weights that are left."""
        gradients = [weight.grad for weight in self.masked]
        if gradients:
            torch._foreach_mul_(gradients, self.keep)  # type: ignore[arg-type]
        nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)

    def measure(self, data: Batchable) -> Score:
        if self.measured is None or self.measured[0] is not data:
            self.measured = (data, resident(data, self.device))
        values = math.prod(data.x.shape[1:])
        return measure(self.model, self.measured[1], max(1, min(2048, MEASURED // values)))

    def sync(self) -> None:
        """The model is trained in place, so there is nothing to write back."""

    def state(self) -> dict[str, Tensor]:
        return optimizer_state(self.optimizer, self.model)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        restore_optimizer(self.optimizer, self.model, state)

    def close(self) -> None:
        self.model.to(self.origin)
