"""The table of numbers that a network becomes, and the memory that it needs."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from safs.runtime.network import Floats

FIELDS = 16


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


@dataclass(frozen=True)
class Program:
    """All that `safs.runtime.machine.run` takes but for the images.

    Attributes:
        interleave: images that are computed together.
        size: floats of the arena.
        ops: [operations, FIELDS], int64.
        rows: first nonzero, one past the last, output, residual or -1, row of the scales; [rows, 5], int64.
        bias: [rows].
        pairs: byte offset and weight of each nonzero, [nonzeros, 2], int32; the weight by its bits.
        masks: 32 bits for each output of a plane: ones, or zeros for what is padding.
        scales: [n, 4].
        dense: weights of dense rows, one after the other.
        planes: [n, 3], int64: source, second source, target.
        work: vector instructions for one image, the measure of the cost model.
    """

    interleave: int
    size: int
    ops: NDArray[np.int64]
    rows: NDArray[np.int64]
    bias: Floats
    pairs: NDArray[np.int32]
    masks: NDArray[np.int32]
    scales: Floats
    dense: Floats
    planes: NDArray[np.int64]
    work: float
