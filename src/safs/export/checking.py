"""Whether an exported network gives what the evaluated model gives."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from safs.errors import SafsError

LIMITS = {"float32": 1e-5, "float16": 1e-2}


def relative_error(ours: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference over the largest value."""
    return float(np.abs(ours.astype(np.float64) - wanted).max() / max(float(np.abs(wanted).max()), 1e-30))


def evaluated(model: nn.Module, x: Tensor) -> np.ndarray:
    """The model's logits [batch, classes] in evaluation, computed in float64.

    Args:
        model: left as it is.
        x: normalised images [batch, channels, height, width].
    """
    double = {name: value.double() for name, value in [*model.named_parameters(), *model.named_buffers()]}
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.inference_mode():
            parts = [functional_call(model, double, part.double()) for part in x.split(256)]
    finally:
        for module, mode in training.items():
            module.training = mode
    return torch.cat(parts).numpy()


def check_equal(ours: np.ndarray, wanted: np.ndarray, limit: float) -> float:
    """The relative error, if it is within the limit.

    Raises:
        SafsError: it is not.
    """
    error = relative_error(ours, wanted)
    if not error <= limit:
        raise SafsError(f"the exported model is off by {error:.1e} relative, more than {limit:.0e}; it was not kept")
    return error
