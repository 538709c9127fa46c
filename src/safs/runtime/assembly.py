"""The tables of a program as they grow: who gets which memory, where masks and scales lie, which operation follows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safs.errors import SafsError
from safs.runtime.costs import Schedule, waists
from safs.runtime.fusing import Group, Plan, last_reads
from safs.runtime.lanes import WIDTH
from safs.runtime.layout import families
from safs.runtime.memory import Block, Memory
from safs.runtime.network import Floats, Ints
from safs.runtime.planes import Cover, Tensor
from safs.runtime.program import FIELDS, Kind, Program
from safs.runtime.windows import taken_apart

MOST_BYTES = 2**31 - 2**20  # offsets are 32-bit


class Assembly:
    """Collects the program of a plan for a number of images that are computed together.

    Args:
        plan: the groups of the network.
        schedule: images in the lanes of a vector, and the groups that come before, image by image.
    """

    def __init__(self, plan: Plan, schedule: Schedule) -> None:
        self.plan, self.schedule = plan, schedule
        self.interleave = 1 if schedule.alone else schedule.interleave
        self.families, self.apart, self.memory = families(plan), taken_apart(plan), Memory()
        self.tensors: dict[int, Tensor] = {}
        self.once: list[list[int]] = []
        self.ops: list[list[int]] = []
        self.rows: list[Ints] = []
        self.bias: list[Floats] = []
        self.offsets: list[Ints] = []
        self.weights: list[Floats] = []
        self.masks: list[NDArray[np.int32]] = [np.full(WIDTH, -1, np.int32)]
        self.mask_places: dict[tuple[object, ...], int] = {}
        self.scales: list[Floats] = [np.zeros((1, 4), np.float32)]
        self.dense: list[Floats] = []
        self.planes: list[Ints] = []
        self.alone = 0
        self.ends = _ends(plan)

    def program(self) -> Program:
        """What has been collected, with the logits as its last operation.

        Raises:
            SafsError: it would need more memory than offsets of 32 bits can name.
        """
        out = self.tensors[self.plan.groups[-1].end]
        planes = np.array(out.planes)
        self.op(Kind.OUTPUT, planes, planes, planes)
        if self.memory.size * 4 > MOST_BYTES:
            raise SafsError(f"the network needs {self.memory.size * 4:,} bytes for {self.interleave} images at once")
        pairs = np.zeros((sum(map(len, self.offsets)), 2), np.int32)
        if len(pairs):
            pairs[:, 0] = np.concatenate(self.offsets)
            pairs[:, 1] = np.concatenate(self.weights).view(np.int32)
        return Program(
            self.schedule.interleave,
            len(self.once),
            self.alone,
            self.memory.size,
            np.array(self.once + self.ops, np.int64),
            _joined(self.rows, (0, 6), np.int64),
            _joined(self.bias, (0,), np.float32),
            pairs,
            np.concatenate(self.masks),
            np.concatenate(self.scales),
            _joined(self.dense, (0,), np.float32),
            _joined(self.planes, (0, 3), np.int64),
        )

    def op(self, kind: Kind, first: Ints, second: Ints, target: Ints, *fields: int) -> None:
        """An operation on planes."""
        start = sum(map(len, self.planes))
        self.planes.append(np.stack([first, second, target], 1).astype(np.int64))
        entry = [kind, start, len(target), *fields]
        self.ops.append(entry + [0] * (FIELDS - len(entry)))

    def convolution(
        self, kind: Kind, rows: Ints, bias: Floats, offsets: Ints, weights: Floats, fields: Sequence[int]
    ) -> list[int]:
        """An operation on rows, whose first and last nonzero count from the first of these."""
        rows[:, :2] += sum(map(len, self.offsets))
        entry = [kind, 0, sum(map(len, self.rows)), len(rows), *fields]
        self.rows.append(rows)
        self.bias.append(bias)
        self.offsets.append(offsets * 4)
        self.weights.append(weights)
        return entry + [0] * (FIELDS - len(entry))

    def allocate(self, index: int, height: int, width: int, wanted: NDArray[np.bool_], tag: object = None) -> Tensor:
        """Memory for the planes of a tensor that are wanted."""
        tensor = Tensor(
            (len(wanted), height, width),
            self.families.of(index),
            self.interleave,
            index in self.families.sided,
            [],
            None,
        )
        tensor.block = self._place(tensor, wanted, tag)
        self.tensors[index] = tensor
        return tensor

    def _place(self, tensor: Tensor, wanted: NDArray[np.bool_], tag: object) -> Block:
        """Give the planes that are wanted memory, and the others none."""
        key = (tensor.shape[2], tensor.step, tensor.run, self.interleave, tag)
        block = self.memory.take(int(wanted.sum()), tensor.length, tensor.guard, key)
        places = block.start + tensor.edge + (np.cumsum(wanted) - 1) * block.stride
        tensor.planes = np.where(wanted, places, tensor.planes or -1).tolist()
        return block

    def spread(self, at: int) -> None:
        """Keep what the groups from here on read of each image, and then give each its lane."""
        self.interleave = self.schedule.interleave
        index = waists(self.plan)[at]
        assert index is not None
        one, (_, height, width) = self.tensors[index], self.plan.shapes[index]
        several = self.allocate(index, height, width, self.plan.needed[index])
        source, target = (chosen(tensor, self.plan.needed[index]) for tensor in (one, several))
        rows, run = (height, one.run * WIDTH) if one.run else (1, one.length)
        numbers, length, size = np.arange(len(source)), rows * run, len(source) * rows * run
        kept = self.memory.take(1, self.interleave * size, 0, ("kept",)).start
        self.op(Kind.KEEP, source, source, kept + numbers * length, rows, run, one.step, size)
        self.alone = len(self.ops)
        wide = width if one.run else run
        self.op(Kind.GATHER, numbers, numbers, target, kept, rows, run, one.run, wide, several.step, self.interleave)
        if one.block is not None:
            self.memory.give_back(one.block)

    def output(self, group: Group, lasting: NDArray[np.bool_] | None = None) -> Tensor:
        """Memory for what a group computes; channels that are `lasting` have planes that nobody else ever gets."""
        _, height, width = self.plan.shapes[group.end]
        wanted = self.plan.needed[group.end]
        if lasting is None or not lasting.any():
            return self.allocate(group.end, height, width, wanted)
        tensor = self.allocate(group.end, height, width, wanted & ~lasting)
        self._place(tensor, lasting, ("lasting", group.end))
        return tensor

    def mask(self, tensor: Tensor, cover: Cover) -> int:
        """Where the mask of a tensor's rows lies."""
        key = (cover, tensor.run, tensor.step, tensor.length, tensor.shape[2], tensor.interleave)
        if key not in self.mask_places:
            index = np.arange(-cover.left * WIDTH, (cover.run + cover.right) * WIDTH)
            column = index % tensor.step // tensor.interleave
            if tensor.run:
                column = index % WIDTH * tensor.run + index // WIDTH
            inside = (column >= 0) & (column < tensor.shape[2]) & (index < tensor.length)
            self.mask_places[key] = sum(map(len, self.masks)) + cover.left * WIDTH
            self.masks.append(np.where(inside, -1, 0).astype(np.int32))
        return self.mask_places[key]

    def target(self, tensor: Tensor) -> list[int]:
        """What a loop that writes planes has to know of them: height, width, step, run, left, right, mask, interleave."""
        mask = self.mask(tensor, tensor.covers[0]) if tensor.run else 0
        return [*tensor.shape[1:], tensor.step, tensor.run, *tensor.sides, mask, tensor.interleave]

    def scale_rows(self, table: Floats) -> int:
        """Where a table of scales lies."""
        place = sum(map(len, self.scales))
        self.scales.append(table)
        return place

    def end(self, at: int) -> None:
        """Give the memory back of what no group after this one reads."""
        for index in self.ends[at]:
            self.release(index)

    def release(self, index: int) -> None:
        """Give a tensor's memory back."""
        block = self.tensors[index].block
        if block is not None:
            self.memory.give_back(block)
            self.tensors[index].block = None


def _joined(parts: Sequence[NDArray[Any]], empty: tuple[int, ...], kind: type) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(empty, kind)


def chosen(tensor: Tensor, wanted: NDArray[np.bool_]) -> Ints:
    """The offsets of some channels' planes."""
    return np.array(tensor.planes, np.int64)[wanted]


def _ends(plan: Plan) -> list[list[int]]:
    """For each group the tensors that are not read after it."""
    last = last_reads(plan)
    for group in reversed(plan.groups):  # what is joined lives as long as what it is joined to
        if group.main.op == "cat":
            for source in group.inputs:
                last[source] = max(last[source], last.get(group.end, len(plan.groups)))
    ends: list[list[int]] = [[] for _ in plan.groups]
    for at, group in enumerate(plan.groups[:-1]):
        end = last.get(group.end, at)
        if end < len(ends):
            ends[end].append(group.end)
    return ends
