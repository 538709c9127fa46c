"""How convolutions move over their inputs, and which inputs are taken apart by a stride."""

from dataclasses import dataclass, field
from typing import Any

from safs.runtime.fusing import Group, Plan
from safs.runtime.network import Node, Shape


@dataclass(frozen=True)
class Window:
    """How a convolution moves over its input.

    Attributes:
        stride: down and across.
        padding: above and to the left.
        dilation: down and across.
        around: rows and columns of zeros that it reads around its input, or around a phase of it.
        reach: columns to the left and to the right of an output's own that it reads.
        single: its output is one number a channel.
    """

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    around: tuple[int, int]
    reach: tuple[int, int]
    single: bool

    @classmethod
    def of(cls, node: Node, source: Shape, out: Shape) -> "Window":
        """The window of a convolution from one shape to another."""
        stride, padding, dilation = (tuple(node.settings[name][:2]) for name in ("stride", "padding", "dilation"))
        kernel = node.sparse["weight"].shape[2:]
        before = [-(-padding[i] // stride[i]) for i in (0, 1)]
        after = [((kernel[i] - 1) * dilation[i] - padding[i]) // stride[i] for i in (0, 1)]
        over = [out[i + 1] - 1 + after[i] - (source[i + 1] - 1) // stride[i] for i in (0, 1)]
        around, reach = [max(before[i], over[i], 0) for i in (0, 1)], (before[1], max(after[1], 0))
        return cls(stride, padding, dilation, (around[0], around[1]), reach, out[1:] == (1, 1))  # type: ignore[arg-type]

    @property
    def strided(self) -> bool:
        """Whether its input has to be taken apart by the stride."""
        return not self.single and self.stride != (1, 1)

    def place(self, down: Any, across: Any) -> tuple[Any, Any]:
        """Row and column of what a tap of the kernel reads for the first output; those before the first are negative."""
        return down * self.dilation[0] - self.padding[0], across * self.dilation[1] - self.padding[1]


@dataclass
class Phases:
    """An input that is taken apart by a stride, for all strided convolutions that read it so.

    A phase has every `stride`-th row and column, from one of the first on.

    Attributes:
        tensor: its number, which is no node's.
        stride: down and across.
        size: rows and columns of the largest phase.
        readers: the convolutions, with their windows.
    """

    tensor: int
    stride: tuple[int, int]
    size: tuple[int, int]
    readers: list[tuple[Group, Window]] = field(default_factory=list)


def taken_apart(plan: Plan) -> dict[int, Phases]:
    """For each strided convolution, by the node that is its end, the phases that it reads."""
    found: dict[tuple[object, ...], Phases] = {}
    for group in plan.groups:
        if group.main.op == "conv":
            source, out = plan.shapes[group.inputs[0]], plan.shapes[group.end]
            window = Window.of(group.main, source, out)
            if window.strided:
                size = -(-source[1] // window.stride[0]), -(-source[2] // window.stride[1])
                phases = Phases(-group.end, window.stride, size)
                found.setdefault((group.inputs[0], window.stride), phases).readers.append((group, window))
    return {group.end: phases for phases in found.values() for group, _ in phases.readers}
