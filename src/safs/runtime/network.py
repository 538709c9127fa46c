"""A network as it is deployed: a list of nodes with what is left of their weights. NumPy alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safs.runtime.curves import Curves

Shape = tuple[int, int, int]
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Sparse:
    """The nonzeros of a tensor.

    Attributes:
        shape: the tensor's shape.
        positions: rising flat positions of the nonzeros, int64.
        values: their values, float32.
    """

    shape: tuple[int, ...]
    positions: NDArray[np.int64]
    values: Floats

    @classmethod
    def of(cls, tensor: NDArray[Any]) -> "Sparse":
        """What is left of a dense tensor, rounded to float32."""
        flat = np.ascontiguousarray(tensor).ravel().astype(np.float32)
        positions = np.flatnonzero(flat).astype(np.int64)
        return cls(tuple(tensor.shape), positions, flat[positions])

    def dense(self) -> Floats:
        """The tensor with its zeros."""
        flat = np.zeros(int(np.prod(self.shape)), np.float32)
        flat[self.positions] = self.values
        return flat.reshape(self.shape)


@dataclass(frozen=True)
class Node:
    """One operation on tensors of the shape [batch, channels, height, width].

    Attributes:
        op: a name from `safs.runtime.rules.RULES`.
        inputs: indices of the nodes whose outputs it takes; all come before it.
        name: the layer in the original model, for errors.
        settings: whole numbers or lists of them, such as the stride; the operator of an activation.
        sparse: the weights that were pruned.
        dense: small tensors of one dimension: biases, scales.
    """

    op: str
    inputs: tuple[int, ...] = ()
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    sparse: Mapping[str, Sparse] = field(default_factory=dict)
    dense: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """A whole network; its output is that of the last node.

    Attributes:
        nodes: in the order in which they can be computed; the first is the input.
        input_shape: (channels, height, width).
        classes: class names in the order of the logits.
        mean: what is subtracted from each channel of an image in [0, 1].
        std: what each channel is then divided by.
        about: where it came from, for people.
        curves: what each channel's values are read off before; none for values as they are.
    """

    nodes: tuple[Node, ...]
    input_shape: Shape
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    about: Mapping[str, str] = field(default_factory=dict)
    curves: Curves = ()
