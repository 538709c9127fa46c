"""Runs a program: a table of numbers that says which loop comes next and on what."""

from typing import Any

import numpy as np

from safs.runtime.lanes import BYTES, LONGEST, PAIRED
from safs.runtime.loops import combine, copy_in, copy_out, gathered, inner, keep, means, phases, pool, quick
from safs.runtime.program import FIELDS, Call, Kind
from safs.runtime.strips import strip, two_strips
from safs.runtime.vectors import activate, view

(INPUT, CONV, SPARSE_DOT, DENSE_DOT, PHASES, MAX_POOL, ALL_MEAN, INSIDE_MEAN, MEANS, ADD, MUL, ACTIVATION, OUTPUT,
 KEEP, GATHER, CONV_PAIRS) = map(int, Kind)  # fmt: skip
(X, IMAGES, CHANNELS, HEIGHT, WIDTH, Y, CLASSES, ARENA, FLOATS, OPS, OP_COUNT, ROWS, ROW_COUNT, BIAS, PAIRS, OFFSETS,
 WEIGHTS, NONZEROS, MASKS, SCALES, SCALE_COUNT, DENSE, DENSE_COUNT, PLANES, PLANE_COUNT, ALONE) = map(int, Call)  # fmt: skip
CALL_LENGTH = len(Call)


@quick
def act(code: int, count: int, x: int, mask: int, y: int, scale: Any) -> None:
    """One activation along a strip; the only place that holds their code."""
    activate(code, count, x, mask, y, scale[0], scale[1], scale[2], scale[3])


@quick
def convolve(base: int, op: Any, rows: Any, bias: Any, nonzeros: int, masks: int, scales: Any) -> None:
    """All rows of a sparse convolution, strip by strip, and then their activations."""
    masks += 4 * op[5]
    vectors = op[4]
    floor = np.float32(0) if op[9] else np.float32(-np.inf)
    count = (vectors + LONGEST - 1) // LONGEST
    for number in range(count):
        first, last = vectors * number // count, vectors * (number + 1) // count
        shift, length = first * BYTES, last - first
        for row in range(op[2], op[2] + op[3]):
            y = base + 4 * rows[row, 2] + shift
            residual = base + 4 * rows[row, 3] + shift if rows[row, 3] >= 0 else 0
            x, start, end = base + shift, rows[row, 0], rows[row, 1]
            complete = rows[row, 5] != 0
            lowest = floor if complete else np.float32(-np.inf)
            strip(length, x, nonzeros, start, end, bias[row], lowest, masks + shift, residual, y)
    activated(base, op, rows, masks, scales)


@quick
def convolve_pairs(base: int, op: Any, rows: Any, bias: Any, nonzeros: int, masks: int, scales: Any) -> None:
    """A sparse convolution whose rows are computed two at a time."""
    masks += 4 * op[5]
    vectors = op[4]
    floor = np.float32(0) if op[9] else np.float32(-np.inf)
    count = (vectors + PAIRED - 1) // PAIRED
    for number in range(count):
        first, last = vectors * number // count, vectors * (number + 1) // count
        shift = first * BYTES
        x, mask = base + shift, masks + shift
        for row in range(op[2], op[2] + op[3], 2):
            y = x + 4 * rows[row, 2], x + 4 * rows[row + 1, 2]
            residual = (
                x + 4 * rows[row, 3] if rows[row, 3] >= 0 else 0,
                x + 4 * rows[row + 1, 3] if rows[row + 1, 3] >= 0 else 0,
            )
            bounds = rows[row, 0], rows[row, 1], rows[row + 1, 0], rows[row + 1, 1]
            lowest = floor if rows[row, 5] else np.float32(-np.inf)
            two_strips(last - first, x, nonzeros, bounds, (bias[row], bias[row + 1]), lowest, mask, residual, y)
    activated(base, op, rows, masks, scales)


@quick
def activated(base: int, op: Any, rows: Any, masks: int, scales: Any) -> None:
    """The activation of all rows that are complete."""
    if op[6] >= 0:
        for row in range(op[2], op[2] + op[3]):
            if rows[row, 5]:
                y = base + 4 * rows[row, 2]
                act(op[6], op[4], y, masks, y, scales[op[7] + rows[row, 4]])


@quick
def multiply(arena: Any, base: int, op: Any, rows: Any, bias: Any, offsets: Any, weights: Any, masks: int, scales: Any, dense: Any) -> None:  # fmt: skip
    """All rows of a layer whose output is one number each, by what is left of the weights or by all of them."""
    floor = np.float32(0) if op[9] else np.float32(-np.inf)
    for row in range(op[2], op[2] + op[3]):
        if op[0] == SPARSE_DOT:
            value = gathered(arena, offsets[rows[row, 0] : rows[row, 1]], weights[rows[row, 0] : rows[row, 1]])
        else:
            start = op[10] + (row - op[2]) * op[11]
            value = inner(dense[start : start + op[11]], arena[op[1] : op[1] + op[11]])
        value += bias[row]
        if rows[row, 3] >= 0:
            value += arena[rows[row, 3]]
        arena[rows[row, 2]] = value if value > floor or value != value else floor
        if op[6] >= 0:  # one number at a time: in a vector of which only the first is kept
            scratch = base + 4 * op[12]
            arena[op[12] : op[12] + BYTES // 4] = value
            act(op[6], 1, scratch, masks, scratch, scales[op[7] + rows[row, 4]])
            arena[rows[row, 2]] = arena[op[12]]


@quick
def run(call: int) -> None:
    """Compute the logits of some images.

    Args:
        call: address of a `safs.runtime.program.Call`'s numbers.
    """
    at = view(call, np.int64, (CALL_LENGTH,))
    base = at[ARENA]
    arena = view(base, np.float32, (at[FLOATS],))
    ops = view(at[OPS], np.int64, (at[OP_COUNT], FIELDS))
    rows = view(at[ROWS], np.int64, (at[ROW_COUNT], 6))
    bias = view(at[BIAS], np.float32, (at[ROW_COUNT],))
    offsets = view(at[OFFSETS], np.int32, (at[NONZEROS],))
    weights = view(at[WEIGHTS], np.float32, (at[NONZEROS],))
    scales = view(at[SCALES], np.float32, (at[SCALE_COUNT], 4))
    dense = view(at[DENSE], np.float32, (at[DENSE_COUNT],))
    planes = view(at[PLANES], np.int64, (at[PLANE_COUNT], 3))
    x = view(at[X], np.float32, (at[IMAGES], at[CHANNELS], at[HEIGHT], at[WIDTH]))
    y = view(at[Y], np.float32, (at[IMAGES], at[CLASSES]))
    alone = at[ALONE]
    before = alone * len(x)  # operations before those that all images share
    for turn in range(before + len(ops) - alone):
        image = turn // alone if turn < before else 0
        op = ops[turn % alone if turn < before else turn - before + alone]
        kind = op[0]
        if kind == CONV:
            convolve(base, op, rows, bias, at[PAIRS], at[MASKS], scales)
            continue
        if kind == CONV_PAIRS:
            convolve_pairs(base, op, rows, bias, at[PAIRS], at[MASKS], scales)
            continue
        if kind in (SPARSE_DOT, DENSE_DOT):
            multiply(arena, base, op, rows, bias, offsets, weights, at[MASKS], scales, dense)
            continue
        some = planes[op[1] : op[1] + op[2]]
        first, second, target = some[:, 0], some[:, 1], some[:, 2]
        if kind == INPUT:
            some_images = x[image : image + 1] if alone else x
            pixels = at[X] + 4 * image * x[0].size
            copy_in(arena, base, some_images, pixels, first, target, op[3], op[4])
        elif kind == PHASES:
            phases(arena, base, first, target, second, op[3:14])
        elif kind in (MAX_POOL, ALL_MEAN, INSIDE_MEAN):
            pool(arena, base, first, target, op[3:16], kind - MAX_POOL)
        elif kind == MEANS:
            means(arena, first, target, op[3:10])
        elif kind in (ADD, MUL):
            combine(arena, first, second, target, op[3], op[4], kind == MUL)
        elif kind == ACTIVATION:
            for i in range(len(some)):
                source, end = base + 4 * first[i], base + 4 * target[i]
                act(op[4], op[3], source, at[MASKS] + 4 * op[6], end, scales[op[5] + second[i]])
        elif kind == KEEP:
            keep(arena, first, target, op[3], image * op[4])
        elif kind == GATHER:
            kept = base + 4 * op[3]
            copy_in(arena, base, view(kept, np.float32, (len(x), op[2], 1, op[4])), kept, first, target, 0, op[5])
        elif kind == OUTPUT:
            copy_out(arena, target, y)
