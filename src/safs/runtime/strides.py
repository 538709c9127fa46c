"""Planes taken apart by the stride of a convolution, so that it moves by one over what there is then.

Planes are as in `safs.runtime.loops`.
"""

from typing import Any

from safs.runtime.folding import place
from safs.runtime.jit import quick
from safs.runtime.lanes import BYTES, WIDTH
from safs.runtime.vectors import every_second, move, zipped


@quick
def phases(arena: Any, base: int, sources: Any, targets: Any, phase: Any, sizes: Any) -> None:
    """Every `stride`-th row and column of planes, beginning at each plane's own phase.

    Args:
        arena: all tensors.
        base: the arena's address.
        sources: offsets of the planes to take from.
        targets: offsets of the planes to write.
        phase: first row times the stride of the columns, plus first column.
        sizes: height, width, step and run of the source, stride down and across, and the target's shape.
    """
    height, width, step, run, down, across, out = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6:]
    out_step, out_run, interleave = out[2], out[3], out[7]
    vectors = lanes_stay(run, across, out)
    column = BYTES if run else 4 * interleave
    steps = 4 * down * step, 4 * out_step
    for number in range(len(sources)):
        first_row, first_column = phase[number] // across, phase[number] % across
        high, wide = (height - first_row + down - 1) // down, (width - first_column + across - 1) // across
        source, target = sources[number] + first_row * step, targets[number]
        x, y, done = base + 4 * source + first_column * column, base + 4 * target, 0
        if interleave > 1:
            copy_columns(x, y, steps, high, wide, across, column)
            done = high
        elif vectors:
            done = high if out_step >= vectors * WIDTH else high - 1  # the next row is written over what is too much
            if out_run == 0 and vectors == 2:
                zip_columns(x, y, steps, done, across)
            else:
                copy_columns(x, y, steps, done, vectors, across, column)
        elif across == 2 and wide >= WIDTH and run == 0 and out_run == 0:
            copy_every_second(x, y, steps, high, wide)
            done = high
        for row in range(done, high):
            a, b = source + row * down * step, target + row * out_step
            for at in range(wide):
                arena[b + place(at, out_run, 1)] = arena[a + place(first_column + at * across, run, 1)]


@quick
def copy_columns(x: int, y: int, steps: tuple[int, int], rows: int, count: int, across: int, column: int) -> None:
    """Every `across`-th of some columns of rows, from and to addresses; a column is so many bytes of whole vectors."""
    for _ in range(rows):
        for at in range(count):
            a, b = x + at * across * column, y + at * column
            for shift in range(0, column, BYTES):
                move(a + shift, b + shift)
        x, y = x + steps[0], y + steps[1]


@quick
def zip_columns(x: int, y: int, steps: tuple[int, int], rows: int, across: int) -> None:
    """Two vectors of folded rows, from and to addresses, to rows that are not folded."""
    for _ in range(rows):
        zipped(x, x + across * BYTES, y)
        x, y = x + steps[0], y + steps[1]


@quick
def copy_every_second(x: int, y: int, steps: tuple[int, int], rows: int, count: int) -> None:
    """Every second of some floats of rows, from and to addresses, as many as a vector has or more."""
    for _ in range(rows):
        for at in range(0, count, WIDTH):
            begin = min(at, count - WIDTH)  # the last of them overlaps the one before
            every_second(x + 8 * begin, y + 4 * begin)
        x, y = x + steps[0], y + steps[1]


@quick
def lanes_stay(run: int, across: int, out: Any) -> int:
    """Vectors of a row to be written of which each is a vector of a folded row, if lanes keep every `across`-th column.

    Rows that are not folded can be of one such vector, or of two that are zipped. It is 0 where lanes do not keep them.
    """
    vectors = out[3] if out[3] else (out[1] + WIDTH - 1) // WIDTH
    return vectors if run == across * vectors and (out[3] or vectors <= 2) else 0
