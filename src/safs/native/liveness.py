"""Which outputs of which layer have to be computed, once weights are left out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from safs.native.layers import Layer

DENSE_FROM = 0.4  # share of weights from which the kernel that computes them all is the faster one


@dataclass
class Outputs:
    """The outputs (channels or units) of a layer.

    Attributes:
        dense: the layer is computed with all its weights.
        live: the outputs that are computed for every image.
        constant: those that are the same for every image, and needed.
    """

    dense: bool
    live: NDArray[np.int64]
    constant: NDArray[np.int64]


def sources(layers: list[Layer], index: int, inputs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The outputs of the layer before that the given inputs of a layer's weights come from."""
    layer = layers[index]
    kernel = layer.module.weight[0, 0].numel()  # 1 for a linear layer
    units = inputs // kernel
    before = layers[index - 1].out
    return units // (before[1] * before[2]) if layer.shape[1:] == (1, 1) else units


def outputs_of(layers: list[Layer], masks: list[NDArray[np.bool_]]) -> list[Outputs]:
    """Sort every layer's outputs into live, constant and left out.

    Args:
        layers: of the network.
        masks: for each layer [outputs, inputs of an output], True where a weight is left.
    """
    dense = [bool(mask.mean() >= DENSE_FROM) for mask in masks]
    last = len(layers) - 1
    whole = [i == last or dense[i] or dense[i + 1] for i in range(len(layers))]  # every output is live
    varies: list[NDArray[np.bool_]] = []
    for i, mask in enumerate(masks):
        reading = mask
        if i:
            reading = mask & varies[i - 1][sources(layers, i, np.arange(mask.shape[1]))]
        varies.append(np.full(len(mask), True) if whole[i] else np.asarray(reading.any(axis=1)))
    needed = [np.full(len(mask), True) for mask in masks]
    for i in range(last - 1, -1, -1):
        if not whole[i]:
            inputs = np.flatnonzero(masks[i + 1][needed[i + 1]].any(axis=0))
            needed[i] = np.isin(np.arange(len(masks[i])), sources(layers, i + 1, inputs))
    return [
        Outputs(dense[i], np.flatnonzero(needed[i] & varies[i]), np.flatnonzero(needed[i] & ~varies[i]))
        for i in range(len(layers))
    ]
