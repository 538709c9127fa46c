"""The tables of a program as they grow: who gets which memory, where masks and scales lie, which operation follows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safs.errors import SafsError
from safs.runtime.costs import Schedule, waists
from safs.runtime.fusing import Group, Plan, last_reads
from safs.runtime.lanes import WIDTH
from safs.runtime.layout import Block, Memory, Tensor, families
from safs.runtime.network import Floats, Ints
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
        self.mask_places: dict[tuple[int, int, int, int], int] = {}
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
        pitch = self.families.of(index).pitch
        planes, block = self._planes(index, height, wanted, (width, pitch, self.interleave, tag))
        self.tensors[index] = Tensor((len(wanted), height, width), pitch, self.interleave, planes.tolist(), block)
        return self.tensors[index]

    def _planes(
        self, index: int, height: int, wanted: NDArray[np.bool_], key: tuple[object, ...]
    ) -> tuple[Ints, Block]:
        layout = self.families.of(index)
        length = height * layout.pitch * self.interleave
        guard = (layout.rows * layout.pitch + layout.columns) * self.interleave
        block = self.memory.take(int(wanted.sum()), length, guard, key)
        return np.where(wanted, block.start + (np.cumsum(wanted) - 1) * block.stride, -1), block

    def spread(self, at: int) -> None:
        """Keep what the groups from here on read of each image, and then give each its lane."""
        self.interleave = self.schedule.interleave
        index = waists(self.plan)[at]
        assert index is not None
        one, (_, height, width) = self.tensors[index], self.plan.shapes[index]
        several = self.allocate(index, height, width, self.plan.needed[index])
        source, target = (chosen(tensor, self.plan.needed[index]) for tensor in (one, several))
        numbers, size = np.arange(len(source)), len(source) * one.length
        kept = self.memory.take(1, self.interleave * size, 0, ("kept",)).start
        self.op(Kind.KEEP, source, source, kept + numbers * one.length, one.length, size)
        self.alone = len(self.ops)
        self.op(Kind.GATHER, numbers, numbers, target, kept, one.length, self.interleave)
        if one.block is not None:
            self.memory.give_back(one.block)

    def output(self, group: Group, lasting: NDArray[np.bool_] | None = None) -> Tensor:
        """Memory for what a group computes; channels that are `lasting` have planes that nobody else ever gets."""
        _, height, width = self.plan.shapes[group.end]
        wanted = self.plan.needed[group.end]
        if lasting is None or not lasting.any():
            return self.allocate(group.end, height, width, wanted)
        tensor = self.allocate(group.end, height, width, wanted & ~lasting)
        planes, _ = self._planes(group.end, height, lasting, ("lasting", group.end))
        tensor.planes = np.where(lasting, planes, tensor.planes).tolist()
        return tensor

    def mask(self, tensor: Tensor) -> int:
        """Where the mask of a tensor's planes lies."""
        key = (tensor.length, tensor.step, tensor.shape[2], tensor.interleave)
        if key not in self.mask_places:
            self.mask_places[key] = sum(map(len, self.masks))
            index = np.arange(max(1, tensor.vectors) * WIDTH)
            inside = (index % tensor.step // tensor.interleave < tensor.shape[2]) & (index < tensor.length)
            self.masks.append(np.where(inside, -1, 0).astype(np.int32))
        return self.mask_places[key]

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
