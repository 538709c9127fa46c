"""The shapes of strips: how planes are cut into them, and as LLVM instructions a case for each and where its vectors lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from safs.runtime.lanes import BYTES, constant


@dataclass(frozen=True)
class Shape:
    """The vectors of a strip.

    Attributes:
        rows: rows of the plane.
        columns: vectors of each.
        step: bytes from a row to the next.
    """

    rows: int
    columns: int
    step: Any

    def places(self, builder: Any, first: Any) -> list[tuple[Any, int]]:
        """Of every vector, row after row: its row's address, and how many bytes further it is.

        A row's address is the sum of another's and of 1, 2, 4 or 8 steps, for which a processor needs no instruction.
        """
        starts = [first]
        for row in range(1, self.rows):
            power = row.bit_length() - 1
            starts.append(builder.add(starts[row - (1 << power)], builder.shl(self.step, constant(power))))
        return [(start, BYTES * column) for start in starts for column in range(self.columns)]


def cuts(high: int, run: int, longest: int) -> tuple[int, int]:
    """Into how many strips planes are cut downwards, and rows across; whole rows lie together where they are short.

    Args:
        high: rows of a plane.
        run: vectors of a row.
        longest: vectors of a strip, at most.
    """
    tall = longest // run if 1 < run <= longest else 1
    return (high + tall - 1) // tall, (run + longest - 1) // longest


def each_shape(builder: Any, rows: Any, columns: Any, step: Any | None, longest: int) -> Iterator[Shape]:
    """A case for every shape, of one row if there is no step; what is built while a shape is at hand is done for it."""
    done = builder.append_basic_block("done")
    choice = builder.switch(builder.add(builder.mul(rows, constant(longest + 1)), columns), done)
    for wide, high in product(range(1, longest + 1), repeat=2):
        if high > 1 and (step is None or wide == 1 or wide * high > longest):
            continue
        shape = Shape(high, wide, step)
        block = builder.append_basic_block(f"strip{shape.rows}x{shape.columns}")
        choice.add_case(constant(shape.rows * (longest + 1) + shape.columns), block)
        builder.position_at_end(block)
        yield shape
        builder.branch(done)
    builder.position_at_end(done)
