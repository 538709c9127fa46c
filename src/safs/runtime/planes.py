"""The planes of a tensor: where they lie, and the vectors that cover them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from safs.runtime.lanes import WIDTH
from safs.runtime.layout import Layout
from safs.runtime.memory import Block
from safs.runtime.shapes import cuts


@dataclass(frozen=True)
class Cover:
    """The vectors that cover a plane, in rows that all have the same mask.

    Attributes:
        rows: how many.
        run: vectors of a row.
        step: floats from a row's beginning to the next's.
        left: vectors to the left of a row that have its lanes' neighbours.
        right: vectors to its right.
    """

    rows: int
    run: int
    step: int
    left: int = 0
    right: int = 0

    def strips(self, longest: int) -> tuple[int, int]:
        """Rows and vectors of the largest strip, of so many vectors at most; the others are smaller by one row or vector."""
        down, across = cuts(self.rows, self.run, longest)
        return -(-self.rows // down), -(-self.run // across)

    def count(self, longest: int) -> int:
        """How many strips there are."""
        down, across = cuts(self.rows, self.run, longest)
        return down * across


@dataclass
class Tensor:
    """A tensor's place.

    Attributes:
        shape: (channels, height, width).
        layout: the measures of its family.
        interleave: images in a column.
        sided: it is read what lies beside its folded rows.
        planes: offset of the first column of each channel's plane in floats, -1 where nobody reads it.
        block: the memory it has, to be given back.
    """

    shape: tuple[int, int, int]
    layout: Layout
    interleave: int
    sided: bool
    planes: list[int]
    block: Block | None

    @property
    def run(self) -> int:
        """Columns of a lane if its rows are folded, else 0."""
        return self.layout.run if self.interleave == 1 else 0

    @property
    def sides(self) -> tuple[int, int]:
        """Vectors to the left and to the right of a row that are to be written."""
        return (self.layout.left, self.layout.right) if self.run and self.sided else (0, 0)

    @property
    def column(self) -> int:
        """Floats from what a tap reads to what a tap reads that is one column further."""
        return WIDTH if self.run else self.interleave

    @property
    def edge(self) -> int:
        """Floats to the left of a folded row."""
        return self.layout.left * WIDTH if self.run else 0

    @property
    def step(self) -> int:
        """Floats of a row."""
        vectors = self.layout.left + self.run + self.layout.right
        return vectors * WIDTH if self.run else self.layout.pitch * self.interleave

    @property
    def length(self) -> int:
        """Floats of a plane, padding beside rows included."""
        return self.shape[1] * self.step

    @property
    def guard(self) -> int:
        """Floats of zeros between planes."""
        return self.layout.rows * self.step + (0 if self.run else self.layout.between * self.interleave)

    def place(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.int64]:
        """Floats from a plane's first column to that in a row and column of the image."""
        run = self.run or self.shape[2]
        return y * self.step + x % run * self.column + x // run

    @cached_property
    def covers(self) -> list[Cover]:
        """The ways to cover a plane."""
        if self.run:
            return [Cover(self.shape[1], self.run, self.step, self.layout.left, self.layout.right)]
        whole = [Cover(1, -(-self.length // WIDTH), self.length)]
        width = self.shape[2] * self.interleave
        by_rows = (
            [Cover(self.shape[1], width // WIDTH, self.step)] if width % WIDTH == 0 and self.interleave > 1 else []
        )
        return whole + by_rows
