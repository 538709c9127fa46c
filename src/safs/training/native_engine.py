"""Training on one core of the CPU with kernels that visit only the weights that are left."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from safs.data.tensors import Batchable
from safs.errors import SafsError
from safs.native.cost import pays
from safs.native.kernels import GROUP, predict, train
from safs.native.layers import NotLowerable, read_layers
from safs.native.lowering import lower
from safs.native.optimizers import OPTIMIZERS
from safs.pruning.masks import Masks, apply_masks, prunable_weights
from safs.training.optimizers import make_optimizer
from safs.training.score import WORST, Score
from safs.training.settings import Hyperparameters

MOST = 2048  # images that are read together where not all are in memory; whole groups
ENTRIES = {"adam": ("exp_avg", "exp_avg_sq"), "adamw": ("exp_avg", "exp_avg_sq"), "sgd": ("momentum_buffer",)}


class NativeEngine:
    """Trains a copy of a model's weights; see `Engine` for its methods.

    Args:
        model: the network; it has the weights after `sync`.
        training: what is learnt from, float32 on the CPU.
        settings: the hyperparameters.
        masks: weights to keep at zero; the others are never visited.

    Raises:
        NotLowerable: the kernels cannot train this model; the message names the part.
    """

    def __init__(
        self, model: nn.Module, training: Batchable, settings: Hyperparameters, masks: Masks | None = None
    ) -> None:
        self.model, self.settings = model, settings
        self.training = training
        self.x = _rows(training.x) if isinstance(training.x, Tensor) else None
        self.y = training.y.cpu().numpy()
        channels, height, width = _image_shape(training)
        self.layers = read_layers(model, (int(channels), int(height), int(width)))
        self.parameters = dict(model.named_parameters())
        owners = (module for layer in self.layers for module in (layer.module, layer.site) if module is not None)
        known = {id(parameter) for owner in owners for parameter in owner.parameters()}
        for name, parameter in self.parameters.items():
            if id(parameter) not in known:
                raise NotLowerable(f"{name} is a parameter that no layer of the kernels has")
        self.steps = 0
        self._lower(masks)

    def _lower(self, masks: Masks | None) -> None:
        """Build the program for these masks from the model's weights."""
        if masks:
            apply_masks(self.model, masks)
        groups = -(-min(self.settings.batch_size, len(self.y)) // GROUP)
        kept = {name: mask.detach().cpu().numpy().astype(bool) for name, mask in (masks or {}).items()}
        known = prunable_weights(self.model)
        if unknown := set(kept) - set(known):
            raise SafsError(f"there are masks for {sorted(unknown)}; the prunable weights are {sorted(known)}")
        self.lowered = lower(self.model, self.layers, kept, groups)
        memory, layout = self.lowered.memory, self.lowered.layout
        layout.read(self.parameters, memory.theta)
        for group in make_optimizer(self.model, self.settings).param_groups:
            for values, key in ((memory.rate, "lr"), (memory.decay, "weight_decay")):
                own = {id(parameter) for parameter in group["params"]}
                chosen = {n: torch.full_like(p, group[key]) for n, p in self.parameters.items() if id(p) in own}
                layout.read(chosen, values)

    def epoch(self, order: Tensor, rates: Sequence[float]) -> float:
        loss = self._train(order, np.asarray(rates, np.float64), self.steps)
        self.steps += len(rates)
        return loss

    def gradients(self, order: Tensor) -> dict[str, Tensor]:
        """Gradients of the mean loss over one batch, zero where a weight is left out; nothing is trained."""
        self._train(order, np.ones(1), -1)
        return self._tensors(self.lowered.memory.grad)

    def _train(self, order: Tensor, rates: np.ndarray[tuple[int], np.dtype[np.float64]], done: int) -> float:
        chosen, settings = order.numpy(), self.settings
        if len(rates) != -(-len(chosen) // settings.batch_size):
            raise SafsError(f"{len(rates)} rates for {len(chosen)} images in batches of {settings.batch_size}")
        smoothing = float(settings.label_smoothing)
        choices = (OPTIMIZERS[settings.optimizer], settings.batch_size, float(settings.momentum), smoothing)
        program, memory = self.lowered.program, self.lowered.memory
        if self.x is not None:
            return float(train(program, memory, self.x, self.y, chosen, rates, choices, done))
        loss, steps = 0.0, -(-MOST // settings.batch_size)
        for first, piece in enumerate(order.split(steps * settings.batch_size)):
            x, y, part = _rows(self.training.x[piece]), self.y[piece], rates[first * steps : (first + 1) * steps]
            made = done + first * steps if done >= 0 else done
            loss += len(y) * float(train(program, memory, x, y, np.arange(len(y)), part, choices, made))
        return loss / len(chosen)

    def measure(self, data: Batchable) -> Score:
        logits = np.empty((len(data.y), self.layers[-1].sums[0]), np.float32)
        for start, x in zip(range(0, len(logits), MOST), data.x.split(MOST), strict=True):
            predict(self.lowered.program, self.lowered.memory, _rows(x), logits[start : start + MOST])
        values = torch.from_numpy(logits)
        loss = float(F.cross_entropy(values, data.y))
        if not loss < float("inf"):
            return WORST
        return Score(int((values.argmax(1) == data.y).sum()) / len(data.y), -loss)

    def mask(self, masks: Masks) -> None:
        self.sync()
        state = self.state()
        self._lower(masks)
        self.restore(state)

    def sync(self) -> None:
        self.lowered.layout.write(self.lowered.memory.theta, self.parameters)

    def state(self) -> dict[str, Tensor]:
        memory, entries = self.lowered.memory, ENTRIES[self.settings.optimizer]
        if not self.steps:
            return {}
        state: dict[str, Tensor] = {}
        for entry, values in zip(entries, (memory.first, memory.second), strict=False):
            state |= {f"{name}/{entry}": value for name, value in self._tensors(values).items()}
        if self.settings.optimizer != "sgd":
            return state | {f"{name}/step": torch.tensor(float(self.steps)) for name in self.parameters}
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        memory, entries = self.lowered.memory, ENTRIES[self.settings.optimizer]
        for entry, values in zip(entries, (memory.first, memory.second), strict=False):
            own = {name.removesuffix(f"/{entry}"): value for name, value in state.items() if name.endswith(f"/{entry}")}
            self.lowered.layout.read(own, values)
            np.multiply(values, memory.keep, out=values)
        counts = [int(value) for name, value in state.items() if name.endswith("/step")]
        self.steps = max(counts, default=1 if state else 0)

    def _tensors(self, values: np.ndarray[tuple[int], np.dtype[np.float32]]) -> dict[str, Tensor]:
        """Values in the order of theta as tensors of the parameters' shapes."""
        tensors = {name: torch.zeros_like(parameter) for name, parameter in self.parameters.items()}
        self.lowered.layout.write(values, tensors)
        return {name: tensor.detach() for name, tensor in tensors.items()}

    def close(self) -> None:
        """The model was never moved, so there is nothing to let go of."""


def worth_it(model: nn.Module, training: Batchable, masks: Masks | None) -> bool:
    """Whether the kernels are expected to be faster than PyTorch for this model and these masks.

    Raises:
        NotLowerable: they cannot train it at all.
    """
    return pays(read_layers(model, _image_shape(training)), masks or {}, torch.get_num_threads())


def _image_shape(data: Batchable) -> tuple[int, int, int]:
    """(channels, height, width).

    Raises:
        NotLowerable: the inputs are no images.
    """
    if data.x.ndim != 4:
        raise NotLowerable(f"inputs are {list(data.x.shape[1:])} instead of images [channels, height, width]")
    channels, height, width = (int(side) for side in data.x.shape[1:])
    return channels, height, width


def _rows(x: Tensor) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """The images as [count, units].

    Raises:
        NotLowerable: they are not float32 on the CPU.
    """
    if x.dtype != torch.float32 or x.device.type != "cpu" or x.ndim != 4:
        raise NotLowerable(f"images are {x.dtype} on {x.device} instead of float32 [n, c, h, w] on the CPU")
    return x.flatten(1).contiguous().numpy()
