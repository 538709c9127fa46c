"""The loops around the convolutions: images in and logits out, sums and products of planes, products with a vector.

All tensors lie in one array. A plane is [height, pitch, interleave]: `pitch` columns of which the first are the image
and the rest zeros, and in each column one float for each of `interleave` images; or its rows are folded, and `run` is not 0
but the columns of a lane. `step` is the length of a row. A target's shape is its height, width, step, run, left, right, mask
and interleave.
"""

from typing import Any

import numpy as np

from safs.runtime.jit import quick, reordered
from safs.runtime.lanes import WIDTH
from safs.runtime.vectors import transpose


@reordered
def total(values: Any) -> Any:
    """The sum, in any order."""
    result = np.float32(0)
    for value in values:
        result += value
    return result


@reordered
def inner(a: Any, b: Any) -> Any:
    """The inner product, in any order."""
    result = np.float32(0)
    for i in range(len(a)):
        result += a[i] * b[i]
    return result


@reordered
def gathered(arena: Any, offsets: Any, weights: Any) -> Any:
    """Sum of weights times the floats at byte offsets, in four chains."""
    s0 = s1 = s2 = s3 = np.float32(0)
    count = len(offsets)
    for k in range(0, count - 3, 4):
        s0 += weights[k] * arena[np.uint32(offsets[k]) >> 2]
        s1 += weights[k + 1] * arena[np.uint32(offsets[k + 1]) >> 2]
        s2 += weights[k + 2] * arena[np.uint32(offsets[k + 2]) >> 2]
        s3 += weights[k + 3] * arena[np.uint32(offsets[k + 3]) >> 2]
    for k in range(count - count % 4, count):
        s0 += weights[k] * arena[np.uint32(offsets[k]) >> 2]
    return (s0 + s1) + (s2 + s3)


@quick
def fill(values: Any, value: Any) -> None:
    """Set all values; a slice's assignment could raise, and a program that can raise needs Python."""
    for i in range(len(values)):
        values[i] = value


@quick
def copy_in(arena: Any, base: int, x: Any, pixels: int, channels: Any, planes: Any, step: int, interleave: int) -> None:
    """Images [images, channels, height, width] into planes.

    Args:
        arena: all tensors.
        base: the arena's address.
        x: the images.
        pixels: their address.
        channels: which channel goes to each plane.
        planes: offsets of the planes to write.
        step: floats of a plane's row.
        interleave: images in a column.
    """
    images, width = x.shape[0], x.shape[3]
    size = x.shape[1] * x.shape[2] * width
    for number in range(len(planes)):
        for row in range(x.shape[2]):
            start, source = planes[number] + row * step, (channels[number] * x.shape[2] + row) * width
            if interleave == 1:
                line, target = x[0, channels[number], row], arena[start : start + width]
                for column in range(width):
                    target[column] = line[column]
                continue
            whole = images - images % WIDTH if width >= WIDTH else 0
            for first in range(0, whole, WIDTH):
                for at in range(0, width, WIDTH):
                    column = min(at, width - WIDTH)  # the last of them overlaps the one before
                    a = pixels + 4 * (first * size + source + column)
                    transpose(a, 4 * size, base + 4 * (start + first + column * interleave), 4 * interleave, WIDTH)
            for image in range(whole, images):
                line = x[image, channels[number], row]
                for column in range(width):
                    arena[start + image + column * interleave] = line[column]


@quick
def keep(arena: Any, sources: Any, targets: Any, rows: int, length: int, step: int, shift: int) -> None:
    """Copy planes of one image to where it is kept until all images are there.

    Args:
        arena: all tensors.
        sources: offsets of the planes to take from.
        targets: offsets of the planes to write, for the first image.
        rows: rows of a plane.
        length: floats of a row.
        step: floats from a row to the next; in the target there is nothing between them.
        shift: floats from the first image's planes to this one's.
    """
    for number in range(len(sources)):
        for row in range(rows):
            source, target = sources[number] + row * step, targets[number] + shift + row * length
            line, out = arena[source : source + length], arena[target : target + length]
            for i in range(length):
                out[i] = line[i]


@quick
def copy_out(arena: Any, planes: Any, y: Any) -> None:
    """The first column of planes as [images, planes]."""
    for number in range(len(planes)):
        for image in range(y.shape[0]):
            y[image, number] = arena[planes[number] + image]


@quick
def combine(arena: Any, first: Any, second: Any, targets: Any, length: int, period: int, product: bool) -> None:
    """Sums or products of planes of a length.

    Args:
        arena: all tensors.
        first: offsets of the planes.
        second: offsets of the other planes, of which only `period` floats are used, over and over, unless it is 0.
        targets: offsets of the planes to write.
        length: floats of a plane.
        period: 0, or the images in a column.
        product: multiply instead of adding.
    """
    for number in range(len(first)):
        a = arena[first[number] : first[number] + length]
        b = arena[second[number] : second[number] + (period if period else length)]
        out = arena[targets[number] : targets[number] + length]
        if period == 0:
            for i in range(length):
                out[i] = a[i] * b[i] if product else a[i] + b[i]
        elif period == 1:
            for i in range(length):
                out[i] = a[i] * b[0]
        else:
            for start in range(0, length, period):
                for i in range(period):
                    out[start + i] = a[start + i] * b[i]
