"""The table of numbers that a network becomes, and the memory that it needs."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from safs.runtime.network import Floats

FIELDS = 21


class Kind(IntEnum):
    """What an entry of the program does; the fields that follow it are named where it is lowered."""

    INPUT = 0
    CONV = 1
    SPARSE_DOT = 2
    DENSE_DOT = 3
    PHASES = 4
    MAX_POOL = 5
    ALL_MEAN = 6
    INSIDE_MEAN = 7
    MEANS = 8
    ADD = 9
    MUL = 10
    ACTIVATION = 11
    OUTPUT = 12
    KEEP = 13
    GATHER = 14
    CONV_PAIRS = 15


class Call(IntEnum):
    """What `safs.runtime.machine.run` takes, 64-bit integers one after the other: addresses, and how many there are."""

    X = 0  # normalised images [images, channels, height, width]
    IMAGES = 1
    CHANNELS = 2
    HEIGHT = 3
    WIDTH = 4
    Y = 5  # logits to write, [images, classes]
    CLASSES = 6
    ARENA = 7  # all tensors, zeros at first; what is padding stays zero
    FLOATS = 8
    OPS = 9
    OP_COUNT = 10
    ROWS = 11
    ROW_COUNT = 12
    BIAS = 13  # one a row
    PAIRS = 14
    OFFSETS = 15  # bytes from the arena's start, one a nonzero
    WEIGHTS = 16  # one a nonzero
    NONZEROS = 17
    MASKS = 18
    SCALES = 19
    SCALE_COUNT = 20
    DENSE = 21
    DENSE_COUNT = 22
    PLANES = 23
    PLANE_COUNT = 24
    ALONE = 25  # operations that come first, image by image


@dataclass(frozen=True)
class Program:
    """All that `safs.runtime.machine.run` takes but for the images.

    Attributes:
        interleave: images that are computed together.
        once: operations that come before all images, once for a piece of memory: what they write stays.
        alone: operations that come then, image by image.
        size: floats of the arena.
        ops: [operations, FIELDS], int64.
        rows: first nonzero, one past the last, output, residual or -1, row of the scales, whether the output is then
            complete; [rows, 6], int64.
        bias: [rows].
        pairs: byte offset and weight of each nonzero, [nonzeros, 2], int32; the weight by its bits.
        masks: 32 bits for each output of a row of a plane: ones, or zeros for what is padding.
        scales: [n, 4].
        dense: weights of dense rows, one after the other.
        planes: [n, 3], int64: source, second source, target.
    """

    interleave: int
    once: int
    alone: int
    size: int
    ops: NDArray[np.int64]
    rows: NDArray[np.int64]
    bias: Floats
    pairs: NDArray[np.int32]
    masks: NDArray[np.int32]
    scales: Floats
    dense: Floats
    planes: NDArray[np.int64]
