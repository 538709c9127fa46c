"""Loops over folded rows, in which each lane has `run` neighbouring columns.

A row is `left` vectors, `run` vectors, `right` vectors; a plane's first column is the first float of the first of the `run`.
"""

from typing import Any

from safs.runtime.jit import quick
from safs.runtime.lanes import BYTES, WIDTH
from safs.runtime.vectors import kept, transpose


@quick
def place(column: int, run: int, interleave: int) -> int:
    """Floats from a row's first column to another; `run` is 0 where the row is not folded."""
    return column % run * WIDTH + column // run if run else column * interleave


@quick
def write_sides(plane: int, mask: int, rows: int, run: int, step: int, left: int, right: int) -> None:
    """Write beside each row of a plane what its lanes' neighbours have.

    Args:
        plane: the plane's address.
        mask: address of the mask of a row's first vector.
        rows: rows of the plane.
        run: columns of a lane.
        step: bytes from a row to the next.
        left: vectors to the left of a row, not more than `run`.
        right: vectors to its right, not more than `run`.
    """
    for row in range(rows):
        at = plane + row * step
        for side in range(-left * BYTES, 0, BYTES):
            kept(at + side + run * BYTES - 4, mask + side, at + side)  # the first lane has no neighbour, and is dropped
        for side in range(run * BYTES, (run + right) * BYTES, BYTES):
            kept(at + side - run * BYTES + 4, mask + side, at + side)  # the last one has none


@quick
def finish(base: int, masks: int, planes: Any, shape: Any) -> None:
    """Write what is beside the rows of planes that have just been written, if they are folded.

    Args:
        base: the arena's address.
        masks: the masks' address.
        planes: offsets of the planes.
        shape: height, width, step, run, left, right, mask.
    """
    if shape[3]:
        for number in range(len(planes)):
            plane, mask = base + 4 * planes[number], masks + 4 * shape[6]
            write_sides(plane, mask, shape[0], shape[3], 4 * shape[2], shape[4], shape[5])


@quick
def fold(base: int, masks: int, pixels: int, channels: Any, planes: Any, shape: Any) -> None:
    """An image [channels, height, width] into folded planes.

    Args:
        base: the arena's address.
        masks: the masks' address.
        pixels: the image's address; behind it there are as many floats as two rows have, and two vectors.
        channels: which channel goes to each plane.
        planes: offsets of the planes to write.
        shape: height, width, step, run, left, right, mask.
    """
    height, width, step, run, mask = shape[0], shape[1], shape[2], shape[3], masks + 4 * shape[6]
    for number in range(len(planes)):
        for row in range(height):
            line, y = pixels + 4 * (channels[number] * height + row) * width, base + 4 * (planes[number] + row * step)
            for at in range(0, run, WIDTH):
                transpose(line + 4 * at, 4 * run, y + at * BYTES, BYTES, min(run - at, WIDTH))
            if run * WIDTH > width:  # other lanes have got what comes after the row
                for at in range(0, run * BYTES, BYTES):
                    kept(y + at, mask + at, y + at)


@quick
def unfold(arena: Any, base: int, images: int, source: int, planes: Any, sizes: Any) -> None:
    """Folded planes of several images into planes that have an image in each lane.

    Args:
        arena: all tensors.
        base: the arena's address.
        images: how many there are.
        source: offset of the first image's planes, which have nothing beside their rows.
        planes: offsets of the planes to write.
        sizes: height, floats of a row, columns of a lane, width, step of the target, images in its column.
    """
    rows, length, run, width, step, interleave = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]
    size = len(planes) * rows * length
    whole = images - images % WIDTH
    for number in range(len(planes)):
        for row in range(rows):
            line, start = source + (number * rows + row) * length, planes[number] + row * step
            for column in range(run):
                lanes = (width - 1 - column) // run + 1
                x, y = line + column * WIDTH, start + column * interleave
                for first in range(0, whole, WIDTH):
                    a, b = base + 4 * (x + first * size), base + 4 * (y + first)
                    transpose(a, 4 * size, b, 4 * run * interleave, lanes)
                for image in range(whole, images):
                    for lane in range(lanes):
                        arena[y + image + lane * run * interleave] = arena[x + image * size + lane]
