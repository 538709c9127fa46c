"""A loaded network, ready to predict."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from safs.errors import SafsError
from safs.runtime.costs import INTERLEAVES, Costs, Schedule
from safs.runtime.curves import along
from safs.runtime.fusing import plan
from safs.runtime.kernels import kernel
from safs.runtime.lanes import WIDTH
from safs.runtime.lowering import lower
from safs.runtime.network import Floats, Network
from safs.runtime.program import Call, Program
from safs.runtime.reader import read
from safs.runtime.rules import shapes_of

SHARE = 2e6  # half a millisecond: a thread that gets less costs more than it brings
LARGEST_BATCH = 2**16
IMAGES = int(Call.IMAGES)


class Prepared:
    """A program with the memory that it runs in; one caller at a time has a piece of memory for itself."""

    def __init__(self, program: Program, input_shape: Sequence[int], classes: int) -> None:
        self.program = program
        self._kernel = kernel()
        self._spare: list[Memory] = []
        offsets, weights = (np.ascontiguousarray(program.pairs[:, column]) for column in (0, 1))
        self._parts: dict[Call, NDArray[Any]] = {
            Call.OPS: program.ops[program.once :],
            Call.ROWS: program.rows,
            Call.BIAS: program.bias,
            Call.PAIRS: program.pairs,
            Call.OFFSETS: offsets,
            Call.WEIGHTS: weights,
            Call.MASKS: program.masks,
            Call.SCALES: program.scales,
            Call.DENSE: program.dense,
            Call.PLANES: program.planes,
        }
        self._numbers = {
            **dict(zip((Call.CHANNELS, Call.HEIGHT, Call.WIDTH), input_shape, strict=True)),
            Call.CLASSES: classes,
            Call.FLOATS: program.size,
            Call.OP_COUNT: len(program.ops) - program.once,
            Call.ROW_COUNT: len(program.rows),
            Call.NONZEROS: len(program.pairs),
            Call.SCALE_COUNT: len(program.scales),
            Call.DENSE_COUNT: len(program.dense),
            Call.PLANE_COUNT: len(program.planes),
            Call.ALONE: program.alone,
        }

    def __call__(self, x: Floats, y: Floats) -> None:
        """Logits `y` [images, classes] of images `x` [images, channels, height, width], at most `interleave` many."""
        try:
            memory = self._spare.pop()  # atomic
        except IndexError:
            memory = self._memory()
        images = memory.call[IMAGES] = len(x)
        memory.x[:images] = x  # their addresses are known, those of other arrays take longer to ask for
        self._kernel(memory.address)
        y[:] = memory.y[:images]
        self._spare.append(memory)

    def _memory(self) -> "Memory":
        images = self.program.interleave
        shape = tuple(self._numbers[field] for field in (Call.CHANNELS, Call.HEIGHT, Call.WIDTH))
        call, arena = np.zeros(len(Call), np.int64), _aligned(self.program.size)
        size = int(np.prod(shape)) * images
        behind = 2 * (shape[2] + WIDTH)  # is read with the last row, and dropped
        x = np.zeros(size + behind, np.float32)[:size].reshape(images, *shape)
        y = np.zeros((images, self._numbers[Call.CLASSES]), np.float32)
        for field, number in self._numbers.items():
            call[field] = number
        for field, part in {**self._parts, Call.ARENA: arena, Call.X: x, Call.Y: y}.items():
            call[field] = part.ctypes.data
        if self.program.once:
            first = call.copy()
            first[[Call.OPS, Call.OP_COUNT, Call.ALONE]] = self.program.ops.ctypes.data, self.program.once, 0
            self._kernel(first.ctypes.data)
        return Memory(call, call.ctypes.data, x, y, arena)


@dataclass(frozen=True)
class Memory:
    """What one call at a time has for itself.

    Attributes:
        call: the numbers of `Call`.
        address: theirs.
        x: its images.
        y: their logits.
        arena: all tensors between.
    """

    call: NDArray[np.int64]
    address: int
    x: Floats
    y: Floats
    arena: Floats


def _aligned(size: int) -> Floats:
    raw = np.zeros(size + 16, np.float32)
    start = -raw.ctypes.data % 64 // 4
    return raw[start : start + size]


class Model:
    """An exported network that runs on a CPU; any number of threads may use it at once.

    Args:
        network: what was read.
        threads: cores that one call may use; 0 means all that this process may run on.

    Attributes:
        network: what was read.
        classes: class names in the order of the logits.
        input_shape: (channels, height, width).
    """

    def __init__(self, network: Network, threads: int = 1) -> None:
        self.network = network
        self.classes, self.input_shape = network.classes, network.input_shape
        self._plan = plan(network, shapes_of(network))
        self._costs = Costs(self._plan)
        self._prepared: dict[int, Prepared | None] = {}
        self._chosen: dict[int, tuple[Schedule, Prepared]] = {}
        self._lock = Lock()
        self._threads = threads or len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(self._threads - 1) if self._threads > 1 else None
        self._choose(1)

    def predict(self, x: ArrayLike) -> Floats:
        """Logits of normalised images.

        Args:
            x: [batch, channels, height, width], float32 (other types are converted), normalised as in training.

        Returns:
            [batch, classes], float32.

        Raises:
            SafsError: the images have another shape than the network takes.
        """
        images = np.asarray(x, np.float32)
        if images.shape[1:] != self.input_shape or not 1 <= len(images) <= LARGEST_BATCH:
            shape = ("batch", *self.input_shape)
            raise SafsError(
                f"images have the shape {images.shape}; this network takes {shape}, 1 to {LARGEST_BATCH} images"
            )
        logits = np.empty((len(images), len(self.classes)), np.float32)
        calls: list[tuple[Prepared, slice]] = []
        start, work = 0, 0.0
        while start < len(images):
            schedule, prepared = self._choose(len(images) - start)
            end = min(start + schedule.interleave, len(images))
            calls.append((prepared, slice(start, end)))
            start, work = end, work + schedule.cost(end - start)
        threads = min(self._threads, len(calls), 1 + int(work / SHARE))
        if self._pool is None or threads == 1:
            for prepared, part in calls:
                prepared(images[part], logits[part])
        else:
            self._spread([lambda p=p, s=s: p(images[s], logits[s]) for p, s in calls], threads)  # type: ignore[misc]
        return logits

    def classify(self, pixels: ArrayLike) -> Floats:
        """Logits [batch, classes] of images in [0, 1], or of series, which are normalised as in training.

        Raises:
            SafsError: the images have another shape than the network takes.
        """
        mean, std = (np.array(v, np.float32).reshape(-1, 1, 1) for v in (self.network.mean, self.network.std))
        images = np.asarray(pixels, np.float32)
        if images.shape[1:] != self.input_shape:
            raise SafsError(f"images have the shape {images.shape}; this network takes {('batch', *self.input_shape)}")
        return self.predict((along(images, self.network.curves) - mean) / std)

    def _spread(self, calls: list[Callable[[], None]], threads: int) -> None:
        assert self._pool
        waiting = iter(calls)

        def work() -> None:
            while True:
                with self._lock:
                    call = next(waiting, None)
                if call is None:
                    return
                call()

        helpers = [self._pool.submit(work) for _ in range(threads - 1)]
        work()
        for helper in helpers:
            helper.result()

    def _choose(self, images: int) -> tuple[Schedule, Prepared]:
        """The program that computes the next of so many images at the least cost an image."""
        images = min(images, max(INTERLEAVES))  # more are computed by further calls
        if images not in self._chosen:
            ways = ((schedule, self._program(schedule)) for schedule in self._costs.cheapest(images))
            self._chosen[images] = next((schedule, prepared) for schedule, prepared in ways if prepared)
        return self._chosen[images]

    def _program(self, schedule: Schedule) -> Prepared | None:
        with self._lock:
            if schedule.interleave not in self._prepared:
                try:
                    program = lower(self._plan, schedule)
                    self._prepared[schedule.interleave] = Prepared(program, self.input_shape, len(self.classes))
                except SafsError:  # too much memory for so many images at once
                    if schedule.interleave == 1:
                        raise
                    self._prepared[schedule.interleave] = None
            return self._prepared[schedule.interleave]


def load(path: Path | str, threads: int = 1) -> Model:
    """Read an exported network and make it ready to predict.

    Args:
        path: a file that `safs export` wrote.
        threads: cores that one call may use; 0 means all that this process may run on.

    Raises:
        SafsError: the file is missing, damaged or not a network.
    """
    return Model(read(Path(path)), threads)
