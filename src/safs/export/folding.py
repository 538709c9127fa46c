"""Batch normalisation goes into the layer before it: exact, because both are linear."""

import numpy as np

from safs.export.draft import Draft, Value


def fold_norms(draft: Draft, output: Value) -> Value:
    """Fold every channel-wise scale and shift that follows a convolution into its weights and bias, in place.

    Args:
        draft: the network.
        output: the value that the network gives.

    Returns:
        The output, which may have moved.
    """
    moved = list(range(len(draft.steps)))
    for index, step in enumerate(draft.steps):
        step.inputs = [moved[i] for i in step.inputs]
        if step.op != "affine":
            continue
        before = draft.steps[step.inputs[0]]
        alone = sum(moved[i] == step.inputs[0] for other in draft.steps for i in other.inputs) == 1
        if before.op == "conv" and alone and moved[output.index] != step.inputs[0]:
            scale, shift = step.dense["scale"], step.dense["shift"]
            before.sparse["weight"] = before.sparse["weight"] * scale.reshape(-1, 1, 1, 1)
            before.dense["bias"] = before.dense["bias"] * scale + shift
            moved[index] = step.inputs[0]
    return Value(moved[output.index], output.flat)


def norm_scales(
    mean: np.ndarray, variance: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, epsilon: float
) -> dict[str, np.ndarray]:
    """Scale and shift, one a channel, that batch normalisation comes down to once it is trained.

    Ioffe and Szegedy 2015, arXiv:1502.03167.
    """
    scale = 1 / np.sqrt(variance + epsilon)
    scale = scale if weight is None else scale * weight
    shift = -mean * scale
    return {"scale": scale, "shift": shift if bias is None else shift + bias}
