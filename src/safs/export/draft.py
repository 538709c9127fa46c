"""A network while it is being written down: nodes with dense float64 weights, rounded once at the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safs.errors import SafsError
from safs.runtime.curves import Curves
from safs.runtime.network import Network, Node, Shape, Sparse
from safs.runtime.rules import infer

Doubles = NDArray[np.float64]


@dataclass
class Step:
    """One operation; `safs.runtime.network.Node` with weights that can still be folded into one another."""

    op: str
    inputs: list[int]
    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    sparse: dict[str, Doubles] = field(default_factory=dict)
    dense: dict[str, Doubles] = field(default_factory=dict)

    def stub(self) -> Node:
        """The node without its nonzeros, enough to infer its shape."""
        empty = np.zeros(0, np.int64), np.zeros(0, np.float32)
        sparse = {name: Sparse(value.shape, *empty) for name, value in self.sparse.items()}
        dense = {name: np.zeros(value.shape, np.float32) for name, value in self.dense.items()}
        return Node(self.op, tuple(self.inputs), self.name, self.settings, sparse, dense)

    def node(self) -> Node:
        """The node, its weights in float32."""
        sparse = {name: Sparse.of(value) for name, value in self.sparse.items()}
        dense = {name: value.astype(np.float32) for name, value in self.dense.items()}
        return Node(self.op, tuple(self.inputs), self.name, self.settings, sparse, dense)


@dataclass(frozen=True)
class Value:
    """What a step gives: its index, and whether the model sees it flattened to [batch, features]."""

    index: int
    flat: bool = False


class Draft:
    """Collects the steps of a network and knows the shape of each.

    Args:
        input_shape: (channels, height, width); one-dimensional signals have a height of 1.
        signal: the model takes [batch, channels, length].
    """

    def __init__(self, input_shape: Shape, signal: bool = False) -> None:
        self.steps = [Step("input", [], "input")]
        self.shapes: list[Shape] = [input_shape]
        self.signal = signal

    def shape(self, value: Value) -> Shape:
        """(channels, height, width) of a value."""
        return self.shapes[value.index]

    def add(self, step: Step, flat: bool = False) -> Value:
        """Append a step.

        Raises:
            SafsError: its inputs do not fit it.
        """
        shape, _ = infer(step.stub(), [self.shapes[i] for i in step.inputs])
        self.steps.append(step)
        self.shapes.append(shape)
        return Value(len(self.steps) - 1, flat)

    def readers(self) -> list[list[int]]:
        """The steps that take each step's output."""
        readers: list[list[int]] = [[] for _ in self.steps]
        for index, step in enumerate(self.steps):
            for source in step.inputs:
                readers[source].append(index)
        return readers

    def network(
        self,
        output: Value,
        classes: tuple[str, ...],
        mean: tuple[float, ...],
        std: tuple[float, ...],
        curves: Curves,
        about: Mapping[str, str],
    ) -> Network:
        """The network with only the steps that its output needs, in their order.

        Raises:
            SafsError: the output is the input itself.
        """
        wanted, waiting = set(), [output.index]
        while waiting:
            index = waiting.pop()
            if index not in wanted:
                wanted.add(index)
                waiting += self.steps[index].inputs
        if output.index == 0:
            raise SafsError("the model gives back its input; there is nothing to export")
        order = sorted(wanted | {0})
        place = {index: new for new, index in enumerate(order)}
        nodes = []
        for index in order:
            step = self.steps[index]
            moved = Step(step.op, [place[i] for i in step.inputs], step.name, step.settings, step.sparse, step.dense)
            nodes.append(moved.node())
        if place[output.index] != len(order) - 1:
            raise SafsError("the model's last layer is not its output")
        return Network(tuple(nodes), self.shapes[0], classes, mean, std, about, curves)
