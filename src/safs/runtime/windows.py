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
        over: rows and columns of zeros that it reads below and to the right of its input.
        single: its output is one number a channel.
    """

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    over: tuple[int, int]
    single: bool

    @classmethod
    def of(cls, node: Node, source: Shape, out: Shape) -> "Window":
        """The window of a convolution from one shape to another."""
        stride, padding, dilation = (tuple(node.settings[name][:2]) for name in ("stride", "padding", "dilation"))
        kernel = node.sparse["weight"].shape[2:]
        reach = [(out[i + 1] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] - padding[i] for i in (0, 1)]
        over = max(0, reach[0] - source[1] + 1), max(0, reach[1] - source[2] + 1)
        return cls(stride, padding, dilation, over, out[1:] == (1, 1))  # type: ignore[arg-type]

    @property
    def strided(self) -> bool:
        """Whether its input has to be taken apart by the stride."""
        return not self.single and self.stride != (1, 1)


@dataclass
class Phases:
    """A padded input that is taken apart by a stride, for all strided convolutions that read it so.

    Attributes:
        tensor: its number, which is no node's.
        stride: down and across.
        padding: above and to the left, the most that a reader has.
        size: rows and columns of a phase.
        readers: the convolutions, with their windows.
    """

    tensor: int
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (0, 0)
    readers: list[tuple[Group, Window]] = field(default_factory=list)

    def place(self, window: Window, down: Any, across: Any) -> tuple[Any, Any]:
        """Row and column, in the padded input, of what a tap of a reader's kernel reads for its first output."""
        top, left = (self.padding[i] - window.padding[i] for i in (0, 1))
        return down * window.dilation[0] + top, across * window.dilation[1] + left


def taken_apart(plan: Plan) -> dict[int, Phases]:
    """For each strided convolution, by the node that is its end, the phases that it reads."""
    found: dict[tuple[object, ...], Phases] = {}
    for group in plan.groups:
        if group.main.op == "conv":
            source, out = plan.shapes[group.inputs[0]], plan.shapes[group.end]
            window = Window.of(group.main, source, out)
            if window.strided:
                key = (group.inputs[0], window.stride, out[1:])
                found.setdefault(key, Phases(-group.end, window.stride)).readers.append((group, window))
    for phases in found.values():
        windows = [window for _, window in phases.readers]
        phases.padding = max(w.padding[0] for w in windows), max(w.padding[1] for w in windows)
        for group, window in phases.readers:
            high, wide = group.main.sparse["weight"].shape[2:]
            last, out = phases.place(window, high - 1, wide - 1), plan.shapes[group.end]
            sides = [max(phases.size[i], out[i + 1] + last[i] // phases.stride[i]) for i in (0, 1)]
            phases.size = sides[0], sides[1]
    return {group.end: phases for phases in found.values() for group, _ in phases.readers}
