"""How tensors lie in memory: planes of rows that share their zero padding, and who gets which memory when.

A plane is [height, pitch, interleave]. The `pitch - width` columns of zeros at the end of a row are the padding to its
right and that to the left of the next row; the zeros between planes pad above and below. So a tap of a convolution is
one offset, and a strip of outputs runs on over the ends of rows.
"""

from dataclasses import dataclass, field

from safs.runtime.fusing import Group, Plan
from safs.runtime.lanes import WIDTH
from safs.runtime.windows import Window, taken_apart

HEAD = 64  # floats before everything: room for a single vector


@dataclass
class Layout:
    """The measures that tensors of one family share.

    Attributes:
        pitch: columns of a row with its padding.
        rows: rows of zeros between planes.
        columns: columns of zeros beyond these rows.
    """

    pitch: int = 1
    rows: int = 0
    columns: int = 0


@dataclass
class Families:
    """Tensors that must have the same pitch, because a strip runs over several of them at once."""

    parent: dict[int, int] = field(default_factory=dict)
    layouts: dict[int, Layout] = field(default_factory=dict)

    def root(self, tensor: int) -> int:
        """The tensor that stands for a family."""
        while (above := self.parent.setdefault(tensor, tensor)) != tensor:
            tensor = above
        return tensor

    def join(self, one: int, other: int) -> None:
        """Make one family of two."""
        self.parent[self.root(one)] = self.root(other)

    def ask(self, tensor: int, pitch: int, rows: int = 0, columns: int = 0) -> None:
        """Ask for a pitch and for zeros between planes; to be called when all families are joined."""
        layout = self.layouts.setdefault(self.root(tensor), Layout())
        layout.pitch = max(layout.pitch, pitch)
        layout.rows, layout.columns = max(layout.rows, rows), max(layout.columns, columns)

    def of(self, tensor: int) -> Layout:
        """The measures of a tensor."""
        return self.layouts[self.root(tensor)]


def families(plan: Plan) -> Families:
    """Find which tensors share their measures, and the measures."""
    found, apart = Families(), taken_apart(plan)
    windows: list[tuple[Group, Window]] = []
    for group in plan.groups:
        if group.residual is not None:
            found.join(group.residual, group.end)
        if group.main.op == "conv":
            window = Window.of(group.main, plan.shapes[group.inputs[0]], plan.shapes[group.end])
            windows.append((group, window))
            if not window.single:
                found.join(apart[group.end].tensor if window.strided else group.inputs[0], group.end)
        elif group.main.op in ("activation", "affine", "add", "mul", "cat"):
            for source in group.inputs:
                if plan.shapes[source][1:] == plan.shapes[group.end][1:]:
                    found.join(source, group.end)
    for group in plan.groups:
        found.ask(group.end, plan.shapes[group.end][2])
    for group, window in windows:
        if window.strided:
            found.ask(apart[group.end].tensor, apart[group.end].size[1])
        elif not window.single:
            sides = max(window.padding[1], window.over[1])
            width = plan.shapes[group.inputs[0]][2]
            found.ask(group.inputs[0], width + sides, max(window.padding[0], window.over[0]), sides)
    return found


@dataclass
class Tensor:
    """A tensor's place.

    Attributes:
        shape: (channels, height, width).
        pitch: columns of a row with its padding.
        interleave: images in a column.
        planes: offset of each channel's plane in floats, -1 where nobody reads it.
        block: the memory it has, to be given back.
    """

    shape: tuple[int, int, int]
    pitch: int
    interleave: int
    planes: list[int]
    block: "Block | None"

    @property
    def length(self) -> int:
        """Floats from a plane's first to its last, padding to the right included."""
        return self.shape[1] * self.pitch * self.interleave

    @property
    def vectors(self) -> int:
        """Vectors that cover a plane; 0 where it is one number."""
        return 0 if self.length == 1 else -(-self.length // WIDTH)

    @property
    def step(self) -> int:
        """Floats of a row."""
        return self.pitch * self.interleave


@dataclass
class Block:
    """A piece of memory for planes of one measure: what is zero in one tensor must be zero in the next."""

    key: tuple[object, ...]
    start: int
    stride: int
    count: int


class Memory:
    """Gives out blocks of one array, and takes them back for tensors of the same measure."""

    def __init__(self) -> None:
        self.top = HEAD
        self.slack = 4 * WIDTH
        self.free: dict[tuple[object, ...], list[Block]] = {}

    def take(self, count: int, length: int, guard: int, key: tuple[object, ...]) -> Block:
        """A block of `count` planes of `length` floats with `guard` zeros around each."""
        stride = 1 if length == 1 else -(-max(length + guard, -(-length // WIDTH) * WIDTH) // WIDTH) * WIDTH
        guard = -(-guard // WIDTH) * WIDTH
        key = (*key, length, stride, guard)
        fitting = [block for block in self.free.get(key, []) if block.count >= count]
        if fitting:
            block = min(fitting, key=lambda block: block.count)
            self.free[key].remove(block)
            return block
        start = -(-(self.top + guard) // 16) * 16
        self.top = start + count * stride
        self.slack = max(self.slack, guard + stride + 16 * WIDTH)
        return Block(key, start, stride, count)

    def give_back(self, block: Block) -> None:
        """Let a later tensor have a block."""
        self.free.setdefault(block.key, []).append(block)

    @property
    def size(self) -> int:
        """Floats of the array."""
        return self.top + self.slack
