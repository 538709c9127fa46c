"""Pooling: windows of planes become one number each.

Planes are as in `safs.runtime.loops`.
"""

from typing import Any

import numpy as np

from safs.runtime.folding import place
from safs.runtime.jit import quick
from safs.runtime.lanes import BYTES, WIDTH
from safs.runtime.loops import fill, total
from safs.runtime.strides import lanes_stay
from safs.runtime.vectors import greatest, halved, zipped


@quick
def halve(arena: Any, base: int, source: int, target: int, step: int, out: Any) -> None:
    """Maximum of each 2x2 window of one plane of single images."""
    rows, columns, out_step = out[0], out[1], out[2]
    whole = columns - columns % WIDTH
    for row in range(rows):
        upper, lower, line = source + 2 * row * step, source + (2 * row + 1) * step, target + row * out_step
        for column in range(0, whole, WIDTH):
            halved(base + 4 * (upper + 2 * column), base + 4 * (lower + 2 * column), base + 4 * (line + column))
        for column in range(whole, columns):
            a, b = upper + 2 * column, lower + 2 * column
            arena[line + column] = max(arena[a], arena[a + 1], arena[b], arena[b + 1])


@quick
def halve_many(
    base: int, source: int, target: int, step: int, rows: int, columns: int, column: int, out_step: int
) -> None:
    """Maximum of each 2x2 window of one plane, whose columns are so many bytes of whole vectors."""
    for row in range(rows):
        a, y = base + 4 * (source + 2 * row * step), base + 4 * (target + row * out_step)
        b = a + 4 * step
        for _ in range(columns):
            for at in range(0, column, BYTES):
                greatest(a + at, a + column + at, b + at, b + column + at, y + at)
            a, b, y = a + 2 * column, b + 2 * column, y + column


@quick
def halve_zipped(base: int, source: int, target: int, step: int, rows: int, out_step: int) -> None:
    """Maximum of each 2x2 window of one folded plane, to rows of two vectors that are not folded."""
    a, y = base + 4 * source, base + 4 * target
    for _ in range(rows):
        b = a + 4 * step
        greatest(a, a + BYTES, b, b + BYTES, y)
        greatest(a + 2 * BYTES, a + 3 * BYTES, b + 2 * BYTES, b + 3 * BYTES, y + BYTES)
        zipped(y, y + BYTES, y)
        a, y = b + 4 * step, y + 4 * out_step


@quick
def pool(arena: Any, base: int, sources: Any, targets: Any, sizes: Any, kind: int) -> None:
    """Windows of planes: their maximum (kind 0), their mean over all (1), or their mean over what is image (2).

    Args:
        arena: all tensors.
        base: the arena's address.
        sources: offsets of the planes to take from.
        targets: offsets of the planes to write.
        sizes: height, width, step and run of the source, stride down and across, padding above and to the left, the
            window's height and width, and the target's shape.
        kind: what to compute.
    """
    height, width, step, run = sizes[0], sizes[1], sizes[2], sizes[3]
    down, across, top, left, high, wide, out = sizes[4], sizes[5], sizes[6], sizes[7], sizes[8], sizes[9], sizes[10:]
    rows, columns, out_step, out_run, interleave = out[0], out[1], out[2], out[3], out[7]
    simple = kind == 0 and high == 2 and wide == 2 and down == 2 and across == 2
    simple = simple and top == 0 and left == 0 and 2 * rows <= height and 2 * columns <= width
    vectors = lanes_stay(run, 2, out) if simple and interleave == 1 and 2 * columns == width else 0
    for number in range(len(sources)):
        done = 0
        if simple and interleave == 1 and run == 0 and out_run == 0:
            halve(arena, base, sources[number], targets[number], step, out)
            done = rows
        elif simple and 4 * interleave % BYTES == 0:
            halve_many(base, sources[number], targets[number], step, rows, columns, 4 * interleave, out_step)
            done = rows
        elif vectors:
            done = rows if out_step >= vectors * WIDTH else rows - 1  # the next row is written over what is too much
            if out_run == 0 and vectors == 2:
                halve_zipped(base, sources[number], targets[number], step, done, out_step)
            else:
                halve_many(base, sources[number], targets[number], step, done, vectors, BYTES, out_step)
        for row in range(done, rows):
            y0, y1 = max(row * down - top, 0), min(row * down - top + high, height)
            for column in range(columns):
                x0, x1 = max(column * across - left, 0), min(column * across - left + wide, width)
                target = targets[number] + row * out_step + place(column, out_run, interleave)
                values = arena[target : target + interleave]
                fill(values, np.float32(-np.inf) if kind == 0 else np.float32(0))
                for y in range(y0, y1):
                    for x in range(x0, x1):
                        source = sources[number] + y * step + place(x, run, interleave)
                        line = arena[source : source + interleave]
                        if kind == 0:
                            for image in range(interleave):
                                values[image] = line[image] if line[image] > values[image] else values[image]
                        else:
                            for image in range(interleave):
                                values[image] += line[image]
                if kind:
                    divisor = np.float32(high * wide if kind == 1 else (y1 - y0) * (x1 - x0))
                    for image in range(interleave):
                        values[image] /= divisor


@quick
def means(arena: Any, sources: Any, targets: Any, sizes: Any) -> None:
    """Means over the parts of planes that `torch.nn.AdaptiveAvgPool2d` takes.

    Args:
        arena: all tensors.
        sources: offsets of the planes to take from.
        targets: offsets of the planes to write.
        sizes: height, width, step and run of the source, and the target's shape.
    """
    height, width, step, run, out = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4:]
    rows, columns, interleave = out[0], out[1], out[7]
    for number in range(len(sources)):
        for row in range(rows):
            y0, y1 = row * height // rows, ((row + 1) * height + rows - 1) // rows
            for column in range(columns):
                x0, x1 = column * width // columns, ((column + 1) * width + columns - 1) // columns
                target = targets[number] + row * out[2] + place(column, out[3], interleave)
                values = arena[target : target + interleave]
                fill(values, np.float32(0))
                for y in range(y0, y1):
                    source = sources[number] + y * step
                    if run and x1 - x0 == width:
                        values[0] += total(arena[source : source + run * WIDTH])
                    elif run:
                        for x in range(x0, x1):
                            values[0] += arena[source + place(x, run, 1)]
                    elif interleave == 1:
                        values[0] += total(arena[source + x0 : source + x1])
                    else:
                        for x in range(x0, x1):
                            line = arena[source + x * interleave : source + (x + 1) * interleave]
                            for image in range(interleave):
                                values[image] += line[image]
                divisor = np.float32((y1 - y0) * (x1 - x0))
                for image in range(interleave):
                    values[image] /= divisor
