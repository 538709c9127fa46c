"""How large a model is when only what is left of it is stored."""

import numpy as np
import torch
from torch import nn

from safs.pruning.masks import prunable_weights


def gap_bytes(nonzero: np.ndarray) -> int:
    """Bytes of the positions of nonzeros as 8-bit gaps, 255 standing for a gap that goes on.

    Args:
        nonzero: rising flat positions, int64.
    """
    gaps = np.diff(nonzero, prepend=-1) - 1
    return int(np.sum(gaps // 255 + 1))


def sparse_bytes(model: nn.Module) -> int:
    """Bytes of the weights in the sparse form: float32 values of what is left, their positions as 8-bit gaps.

    A tensor that would be smaller dense is counted dense, and so are biases, normalisation and activation scales.
    """
    prunable = prunable_weights(model)
    total = 0
    for name, tensor in model.state_dict().items():
        dense = tensor.numel() * tensor.element_size()
        if name in prunable:
            nonzero = torch.nonzero(tensor.flatten()).flatten().numpy()
            dense = min(dense, 4 * len(nonzero) + gap_bytes(nonzero))
        total += dense
    return total


def dense_bytes(model: nn.Module) -> int:
    """Bytes of all weights stored densely in their own type."""
    return sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
