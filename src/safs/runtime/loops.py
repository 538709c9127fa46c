"""The loops around the convolutions: copies, pooling, sums and products of planes, products with a vector.

All tensors lie in one array. A plane is [height, pitch, interleave]: `pitch` columns of which the first are the image
and the rest zeros, and in each column one float for each of `interleave` images. `step` is the length of a row.
"""

from typing import Any

import numpy as np
from numba import njit

from safs.runtime.lanes import BYTES, WIDTH
from safs.runtime.vectors import every_second, greatest, halved, move, transpose

options = {"error_model": "numpy", "_nrt": False}  # no counting of references: nothing is allocated
quick = njit(**options)
reordered = njit(fastmath={"reassoc", "contract", "nsz"}, **options)


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
                    transpose(a, 4 * size, base + 4 * (start + first + column * interleave), 4 * interleave)
            for image in range(whole, images):
                line = x[image, channels[number], row]
                for column in range(width):
                    arena[start + image + column * interleave] = line[column]


@quick
def keep(arena: Any, sources: Any, targets: Any, length: int, shift: int) -> None:
    """Copy planes of one image to where it is kept until all images are there.

    Args:
        arena: all tensors.
        sources: offsets of the planes to take from.
        targets: offsets of the planes to write, for the first image.
        length: floats of a plane.
        shift: floats from the first image's planes to this one's.
    """
    for number in range(len(sources)):
        source, target = sources[number], targets[number] + shift
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
def phases(arena: Any, base: int, sources: Any, targets: Any, phase: Any, sizes: Any) -> None:
    """Every `stride`-th row and column of padded planes, beginning at each plane's own phase.

    Args:
        arena: all tensors.
        base: the arena's address.
        sources: offsets of the planes to take from.
        targets: offsets of the planes to write.
        phase: first row times the stride of the columns, plus first column.
        sizes: height, width and step of the source, height, width and step of the target, strides, padding above and
            to the left, interleave.
    """
    height, width, step = sizes[0], sizes[1], sizes[2]
    rows, columns, out_step = sizes[3], sizes[4], sizes[5]
    down, across, top, left, interleave = sizes[6], sizes[7], sizes[8], sizes[9], sizes[10]
    for number in range(len(sources)):
        first_row, first_column = phase[number] // across - top, phase[number] % across - left
        above, before = max(0, -(first_row // down)), max(0, -(first_column // across))  # of these there is no input
        high = min(rows, (height - 1 - first_row) // down + 1) - above
        wide = min(columns, (width - 1 - first_column) // across + 1) - before
        source = sources[number] + (above * down + first_row) * step + (before * across + first_column) * interleave
        target = targets[number] + above * out_step + before * interleave
        a, b = base + 4 * source, base + 4 * target
        if interleave > 1:
            for _ in range(high):
                for column in range(wide):
                    x, y = a + 4 * column * across * interleave, b + 4 * column * interleave
                    for at in range(0, 4 * interleave, BYTES):
                        move(x + at, y + at)
                a, b = a + 4 * down * step, b + 4 * out_step
        elif across == 2 and wide >= WIDTH:
            for _ in range(high):
                for at in range(0, wide, WIDTH):
                    column = min(at, wide - WIDTH)  # the last of them overlaps the one before
                    every_second(a + 8 * column, b + 4 * column)
                a, b = a + 4 * down * step, b + 4 * out_step
        else:
            for row in range(high):
                line, out = arena[source + row * down * step :], arena[target + row * out_step :]
                for column in range(wide):
                    out[column] = line[column * across]


@quick
def halve(arena: Any, base: int, source: int, target: int, sizes: Any) -> None:
    """Maximum of each 2x2 window of one plane of single images."""
    step, rows, columns, out_step = sizes[2], sizes[3], sizes[4], sizes[5]
    whole = columns - columns % WIDTH
    for row in range(rows):
        upper, lower, out = source + 2 * row * step, source + (2 * row + 1) * step, target + row * out_step
        for column in range(0, whole, WIDTH):
            halved(base + 4 * (upper + 2 * column), base + 4 * (lower + 2 * column), base + 4 * (out + column))
        for column in range(whole, columns):
            a, b = upper + 2 * column, lower + 2 * column
            arena[out + column] = max(arena[a], arena[a + 1], arena[b], arena[b + 1])


@quick
def halve_many(base: int, source: int, target: int, sizes: Any) -> None:
    """Maximum of each 2x2 window of one plane of images that fill whole vectors."""
    step, rows, columns, out_step, column = sizes[2], sizes[3], sizes[4], sizes[5], 4 * sizes[10]
    for row in range(rows):
        a, y = base + 4 * (source + 2 * row * step), base + 4 * (target + row * out_step)
        b = a + 4 * step
        for _ in range(columns):
            for at in range(0, column, BYTES):
                greatest(a + at, a + column + at, b + at, b + column + at, y + at)
            a, b, y = a + 2 * column, b + 2 * column, y + column


@quick
def pool(arena: Any, base: int, sources: Any, targets: Any, sizes: Any, kind: int) -> None:
    """Windows of planes: their maximum (kind 0), their mean over all (1), or their mean over what is image (2).

    Args:
        arena: all tensors.
        base: the arena's address.
        sources: offsets of the planes to take from.
        targets: offsets of the planes to write.
        sizes: as for `phases`, and the window's height and width.
        kind: what to compute.
    """
    height, width, step = sizes[0], sizes[1], sizes[2]
    rows, columns, out_step = sizes[3], sizes[4], sizes[5]
    down, across, top, left, interleave = sizes[6], sizes[7], sizes[8], sizes[9], sizes[10]
    high, wide = sizes[11], sizes[12]
    simple = kind == 0 and high == 2 and wide == 2 and down == 2 and across == 2
    simple = simple and top == 0 and left == 0 and 2 * rows <= height and 2 * columns <= width
    for number in range(len(sources)):
        if simple and interleave == 1:
            halve(arena, base, sources[number], targets[number], sizes)
            continue
        if simple and 4 * interleave % BYTES == 0:
            halve_many(base, sources[number], targets[number], sizes)
            continue
        for row in range(rows):
            y0, y1 = max(row * down - top, 0), min(row * down - top + high, height)
            for column in range(columns):
                x0, x1 = max(column * across - left, 0), min(column * across - left + wide, width)
                target = targets[number] + row * out_step + column * interleave
                out = arena[target : target + interleave]
                fill(out, np.float32(-np.inf) if kind == 0 else np.float32(0))
                for y in range(y0, y1):
                    for x in range(x0, x1):
                        source = sources[number] + y * step + x * interleave
                        line = arena[source : source + interleave]
                        if kind == 0:
                            for image in range(interleave):
                                out[image] = line[image] if line[image] > out[image] else out[image]
                        else:
                            for image in range(interleave):
                                out[image] += line[image]
                if kind:
                    divisor = np.float32(high * wide if kind == 1 else (y1 - y0) * (x1 - x0))
                    for image in range(interleave):
                        out[image] /= divisor


@quick
def means(arena: Any, sources: Any, targets: Any, sizes: Any) -> None:
    """Means over the parts of planes that `torch.nn.AdaptiveAvgPool2d` takes."""
    height, width, step = sizes[0], sizes[1], sizes[2]
    rows, columns, out_step, interleave = sizes[3], sizes[4], sizes[5], sizes[6]
    for number in range(len(sources)):
        for row in range(rows):
            y0, y1 = row * height // rows, ((row + 1) * height + rows - 1) // rows
            for column in range(columns):
                x0, x1 = column * width // columns, ((column + 1) * width + columns - 1) // columns
                target = targets[number] + row * out_step + column * interleave
                out = arena[target : target + interleave]
                fill(out, np.float32(0))
                for y in range(y0, y1):
                    source = sources[number] + y * step + x0 * interleave
                    if interleave == 1:
                        out[0] += total(arena[source : source + x1 - x0])
                        continue
                    for _ in range(x0, x1):
                        line = arena[source : source + interleave]
                        for image in range(interleave):
                            out[image] += line[image]
                        source += interleave
                divisor = np.float32((y1 - y0) * (x1 - x0))
                for image in range(interleave):
                    out[image] /= divisor


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
