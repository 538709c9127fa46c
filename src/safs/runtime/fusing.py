"""Which nodes are computed together, and which channels anybody reads."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from safs.runtime.network import Network, Node, Shape


@dataclass
class Group:
    """Nodes that one operation computes.

    Attributes:
        main: the node that does the work.
        end: index of the node whose output it is.
        inputs: indices of what the main node takes.
        residual: index of what is added to a convolution's output, if anything is.
        activation: what is applied last, if anything is.
    """

    main: Node
    end: int
    inputs: tuple[int, ...]
    residual: int | None = None
    activation: Node | None = None

    def reads(self) -> tuple[int, ...]:
        """All that must be there before it."""
        return self.inputs if self.residual is None else (*self.inputs, self.residual)


@dataclass
class Plan:
    """The groups in order, and what is needed of each tensor.

    Attributes:
        groups: in the order in which they are computed.
        shapes: (channels, height, width) by node.
        needed: whether anybody reads a channel, by node: [channels].
    """

    groups: list[Group]
    shapes: list[Shape]
    needed: dict[int, NDArray[np.bool_]] = field(default_factory=dict)


def plan(network: Network, shapes: list[Shape]) -> Plan:
    """Fuse each convolution with the sum and the activation behind it, and drop what nobody reads."""
    readers: list[list[int]] = [[] for _ in network.nodes]
    for index, node in enumerate(network.nodes):
        for source in node.inputs:
            readers[source].append(index)
    groups: dict[int, Group] = {}
    inside: set[int] = set()
    for index in reversed(range(1, len(network.nodes))):
        node = network.nodes[index]
        if node.op != "conv":
            continue
        group = Group(node, index, node.inputs)
        following = readers[index]
        if len(following) == 1 and network.nodes[following[0]].op == "add" and following[0] not in inside:
            both = network.nodes[following[0]].inputs
            if shapes[both[0]] == shapes[both[1]]:
                group.residual = both[1] if both[0] == index else both[0]
                inside |= {index, following[0]}
                group.end = following[0]
                following = readers[group.end]
        if len(following) == 1 and network.nodes[following[0]].op == "activation":
            group.activation = network.nodes[following[0]]
            inside |= {group.end, following[0]}
            group.end = following[0]
        groups[group.end] = group
    for index, node in enumerate(network.nodes):
        if index not in groups and index not in inside:
            groups[index] = Group(node, index, node.inputs)
    result = Plan([groups[index] for index in sorted(groups)], shapes)
    _find_needed(result)
    return result


def last_reads(plan: Plan) -> dict[int, int]:
    """The number of the last group that reads each tensor."""
    return {index: at for at, group in enumerate(plan.groups) for index in group.reads()}


def channels_read(node: Node, rows: NDArray[np.bool_], channels: int) -> NDArray[np.bool_]:
    """The input channels that some rows of a convolution read."""
    read = np.zeros(channels, bool)
    read[input_channels(node)[rows[output_channels(node)]]] = True
    return read


def output_channels(node: Node) -> NDArray[np.int64]:
    """The output channel of each nonzero of a convolution."""
    weight = node.sparse["weight"]
    return weight.positions // int(np.prod(weight.shape[1:]))


def input_channels(node: Node) -> NDArray[np.int64]:
    """The input channel of each nonzero of a convolution."""
    weight, groups = node.sparse["weight"], node.settings["groups"][0]
    out, inner, high, wide = weight.shape
    row, rest = np.divmod(weight.positions, inner * high * wide)
    channel: NDArray[np.int64] = row // (out // groups) * inner + rest // (high * wide)
    return channel


def is_free(activation: Node | None) -> bool:
    """Whether a convolution applies it on its way: none, or a ReLU as it is."""
    if activation is None:
        return True
    ones = all(value.shape == (1,) and value[0] == 1 for value in activation.dense.values())
    return ones and activation.settings["operator"] in ("relu", "linear")


def _find_needed(plan: Plan) -> None:
    needed = plan.needed
    for group in plan.groups:
        needed[group.end] = np.zeros(plan.shapes[group.end][0], bool)
    needed[0] = np.ones(plan.shapes[0][0], bool)
    needed[plan.groups[-1].end][:] = True
    for group in reversed(plan.groups):
        own = needed[group.end]
        if group.residual is not None:
            needed[group.residual] |= own
        if group.main.op == "conv":
            source = group.inputs[0]
            needed[source] |= channels_read(group.main, own, plan.shapes[source][0])
        elif group.main.op == "cat":
            start = 0
            for source in group.inputs:
                count = plan.shapes[source][0]
                needed[source] |= own[start : start + count]
                start += count
        else:
            for source in group.inputs:
                needed[source] |= own
