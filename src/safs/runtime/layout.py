"""How tensors lie in memory: planes of rows with zeros around them, and which tensors have the same measures.

In most planes [height, pitch, interleave] a column has one float for each of `interleave` images. The `pitch - width` columns
of zeros at the end of a row are the padding to its right and that to the left of the next row, so a strip of outputs can run
on over the ends of rows.

The rows of a single image are folded where that fills vectors: each lane has `run` neighbouring columns, so that a tap that
reads one column further reads the next vector, and every load begins where a vector does. Beside a row there are vectors
more, to its left and to its right, which have for each lane the columns beside its own.

In both the zeros between planes pad above and below, and a tap of a convolution is one offset.
"""

from dataclasses import dataclass, field

from safs.runtime.caches import cache
from safs.runtime.fusing import Group, Plan, output_channels
from safs.runtime.lanes import WIDTH
from safs.runtime.windows import Window, taken_apart

WASTED = 4 / 3  # floats of a folded row for one of a row that is not: beyond that folding does not pay
LEAST_NONZEROS = 12  # of a channel, on the average, below which folding does not pay
LEAST_RUN = (
    2 if cache(2) >= 2**20 else 3
)  # columns of a lane: the fewer, the more of the cache is what lies beside rows
ROUNDS = 9  # more than there are strides one after the other


@dataclass
class Layout:
    """The measures that tensors of one family share.

    Attributes:
        width: columns of the widest.
        pitch: columns of a row with its padding.
        rows: rows of zeros between planes.
        between: columns of zeros between rows.
        left: columns to the left of an output's own that are read for it.
        right: columns to its right.
        channels: channels that are convolutions' outputs.
        nonzeros: what they are computed from.
        run: columns of a lane where rows are folded, else 0.
    """

    width: int = 1
    pitch: int = 1
    rows: int = 0
    between: int = 0
    left: int = 0
    right: int = 0
    channels: int = 0
    nonzeros: int = 0
    run: int = 0

    def pays(self) -> bool:
        """Whether rows are the quicker for being folded: they are long and fill their lanes, and much is read of them."""
        fitting = max(LEAST_RUN, self.left, self.right) <= self.run <= WASTED * self.pitch / WIDTH
        return fitting and (not self.channels or self.nonzeros >= LEAST_NONZEROS * self.channels)


@dataclass
class Families:
    """Tensors that must have the same measures, because a strip runs over several of them at once.

    Attributes:
        parent: for each tensor another of its family, or itself.
        sided: tensors of which it is read what lies beside a folded row.
        layouts: the measures of a family, by the tensor that stands for it.
    """

    parent: dict[int, int] = field(default_factory=dict)
    sided: set[int] = field(default_factory=set)
    layouts: dict[int, Layout] = field(default_factory=dict)

    def root(self, tensor: int) -> int:
        """The tensor that stands for a family."""
        while (above := self.parent.setdefault(tensor, tensor)) != tensor:
            tensor = above
        return tensor

    def join(self, one: int, other: int) -> None:
        """Make one family of two."""
        self.parent[self.root(one)] = self.root(other)

    def ask(self, tensor: int, width: int, window: Window | None = None) -> None:
        """Ask for columns and for what a window reads; to be called when all families are joined."""
        layout = self.layouts.setdefault(self.root(tensor), Layout())
        (rows, between), (left, right) = (window.around, window.reach) if window else ((0, 0), (0, 0))
        layout.width, layout.pitch = max(layout.width, width), max(layout.pitch, width + between)
        layout.rows, layout.between = max(layout.rows, rows), max(layout.between, between)
        layout.left, layout.right = max(layout.left, left), max(layout.right, right)

    def of(self, tensor: int) -> Layout:
        """The measures of a tensor."""
        return self.layouts[self.root(tensor)]

    def fold(self, strides: list[tuple[int, int, int]]) -> None:
        """Fold the rows of families that it pays for; where a stride leads from one to another, lanes keep their columns.

        Args:
            strides: (tensor, tensor that has every `stride`-th of its columns, stride).
        """
        for layout in self.layouts.values():
            layout.run = -(-layout.width // WIDTH)
        linked = [(self.of(source), self.of(out), stride) for source, out, stride in strides]
        for _ in range(ROUNDS):
            for wide, narrow, stride in linked:
                if wide.width > (LEAST_RUN - 1) * WIDTH:  # others are not folded
                    narrow.run = max(narrow.run, -(-wide.run // stride))
                    wide.run = max(wide.run, stride * narrow.run)
        for layout in self.layouts.values():
            if not layout.pays():
                layout.run = 0
        for wide, narrow, _ in linked:
            for layout, other in ((wide, narrow), (narrow, wide)):
                if not (
                    layout.channels or other.run
                ):  # what no convolution computes is folded for another's sake alone
                    layout.run = 0


def families(plan: Plan) -> Families:
    """Find which tensors share their measures, and the measures."""
    found, apart = Families(), taken_apart(plan)
    windows: list[tuple[Group, Window]] = []
    strides = [(phases.readers[0][0].inputs[0], phases.tensor, phases.stride[1]) for phases in apart.values()]
    for group in plan.groups:
        if group.residual is not None:
            found.join(group.residual, group.end)
        if group.main.op == "conv":
            window = Window.of(group.main, plan.shapes[group.inputs[0]], plan.shapes[group.end])
            windows.append((group, window))
            if not window.single:
                found.join(apart[group.end].tensor if window.strided else group.inputs[0], group.end)
        elif group.main.op in ("max_pool", "avg_pool"):
            strides.append((group.inputs[0], group.end, group.main.settings["stride"][1]))
        elif group.main.op in ("activation", "affine", "add", "mul", "cat"):
            for source in group.inputs:
                if plan.shapes[source][1:] == plan.shapes[group.end][1:]:
                    found.join(source, group.end)
    for group in plan.groups:
        found.ask(group.end, plan.shapes[group.end][2])
    for group, window in windows:
        if window.strided:
            found.ask(apart[group.end].tensor, apart[group.end].size[1], window)
        elif not window.single:
            found.ask(group.inputs[0], plan.shapes[group.inputs[0]][2], window)
        layout, needed = found.of(group.end), plan.needed[group.end]
        layout.channels += int(needed.sum())
        layout.nonzeros += int(needed[output_channels(group.main)].sum())
        if not window.single and window.reach != (0, 0):
            found.sided.add(apart[group.end].tensor if window.strided else group.inputs[0])
    for group in reversed(plan.groups):
        if group.end in found.sided and group.main.op in ("add", "mul", "cat"):  # they take what is beside rows along
            found.sided.update(group.inputs)
    found.fold(strides)
    return found
