"""Runs a program: a table of numbers that says which loop comes next and on what."""

from typing import Any

import numpy as np

from safs.runtime.folding import finish, fold, unfold, write_sides
from safs.runtime.jit import quick
from safs.runtime.lanes import BYTES, LONGEST, PAIRED
from safs.runtime.loops import combine, copy_in, copy_out, gathered, inner, keep
from safs.runtime.pooling import means, pool
from safs.runtime.program import FIELDS, Call, Kind
from safs.runtime.shapes import cuts
from safs.runtime.strides import phases
from safs.runtime.strips import ENDS, GOES_ON, WITH_SIDES, strip, two_strips
from safs.runtime.vectors import activate, view

(INPUT, CONV, SPARSE_DOT, DENSE_DOT, PHASES, MAX_POOL, ALL_MEAN, INSIDE_MEAN, MEANS, ADD, MUL, ACTIVATION, OUTPUT,
 KEEP, GATHER, CONV_PAIRS) = map(int, Kind)  # fmt: skip
(X, IMAGES, CHANNELS, HEIGHT, WIDTH, Y, CLASSES, ARENA, FLOATS, OPS, OP_COUNT, ROWS, ROW_COUNT, BIAS, PAIRS, OFFSETS,
 WEIGHTS, NONZEROS, MASKS, SCALES, SCALE_COUNT, DENSE, DENSE_COUNT, PLANES, PLANE_COUNT, ALONE) = map(int, Call)  # fmt: skip
CALL_LENGTH = len(Call)
cut = quick(cuts)


@quick
def act(code: int, rows: int, run: int, step: int, x: int, mask: int, y: int, scale: Any) -> None:
    """One activation of a plane; the only place that holds their code."""
    activate(code, rows, run, step, x, mask, y, scale[0], scale[1], scale[2], scale[3])


@quick
def convolve(base: int, op: Any, rows: Any, bias: Any, nonzeros: int, masks: int, scales: Any) -> None:
    """All channels of a sparse convolution, strip by strip, and then their activations."""
    rows, bias = rows[op[2] : op[2] + op[3]], bias[op[2] : op[2] + op[3]]
    masks += 4 * op[5]
    run, high, step = op[4], op[8], op[10]
    floor = np.float32(0) if op[9] else np.float32(-np.inf)
    down, across = cut(high, run, LONGEST)
    ends = WITH_SIDES if op[11] == 1 and op[12] == 1 and across == 1 and op[6] < 0 else ENDS
    for number in range(down * across):
        top, end = band(number // across, down, high)
        first, last = band(number % across, across, run)
        x, mask = base + top * step + first * BYTES, masks + first * BYTES
        for row in range(len(rows)):
            y = x + 4 * rows[row, 2]
            residual = x + 4 * rows[row, 3] if rows[row, 3] >= 0 else 0
            begin, stop, ending = rows[row, 0], rows[row, 1], ends if rows[row, 5] else GOES_ON
            strip(end - top, last - first, step, x, nonzeros, begin, stop, bias[row], floor, mask, ending, residual, y)
    complete_planes(base, op, rows, masks, scales, ends == WITH_SIDES)


@quick
def convolve_pairs(base: int, op: Any, rows: Any, bias: Any, nonzeros: int, masks: int, scales: Any) -> None:
    """A sparse convolution whose channels are computed two at a time, over planes of one row."""
    rows, bias = rows[op[2] : op[2] + op[3]], bias[op[2] : op[2] + op[3]]
    masks += 4 * op[5]
    floor = np.float32(0) if op[9] else np.float32(-np.inf)
    _, count = cut(1, op[4], PAIRED)
    for number in range(count):
        first, last = band(number, count, op[4])
        x, mask = base + first * BYTES, masks + first * BYTES
        for row in range(0, len(rows), 2):
            y = x + 4 * rows[row, 2], x + 4 * rows[row + 1, 2]
            residual = (
                x + 4 * rows[row, 3] if rows[row, 3] >= 0 else 0,
                x + 4 * rows[row + 1, 3] if rows[row + 1, 3] >= 0 else 0,
            )
            bounds = rows[row, 0], rows[row, 1], rows[row + 1, 0], rows[row + 1, 1]
            both, ending = (bias[row], bias[row + 1]), ENDS if rows[row, 5] else GOES_ON
            two_strips(last - first, x, nonzeros, bounds, both, floor, mask, ending, residual, y)
    complete_planes(base, op, rows, masks, scales, False)


@quick
def band(number: int, count: int, length: int) -> tuple[int, int]:
    """One of so many parts of a length that are alike: where it begins and ends."""
    return length * number // count, length * (number + 1) // count


@quick
def complete_planes(base: int, op: Any, rows: Any, masks: int, scales: Any, with_sides: bool) -> None:
    """What is left to do with the planes of channels that are complete: activations, and what is beside the rows."""
    if op[6] < 0 and (with_sides or op[11] + op[12] == 0):
        return
    for row in range(len(rows)):
        if rows[row, 5]:
            y = base + 4 * rows[row, 2]
            if op[6] >= 0:
                act(op[6], op[8], op[4], op[10], y, masks, y, scales[op[7] + rows[row, 4]])
            if not with_sides:
                write_sides(y, masks, op[8], op[4], op[10], op[11], op[12])


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
            act(op[6], 1, 1, BYTES, scratch, masks, scratch, scales[op[7] + rows[row, 4]])
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
            if op[6]:
                fold(base, at[MASKS], pixels, first, target, op[3:11])
            else:
                copy_in(arena, base, some_images, pixels, first, target, op[5], op[10])
            finish(base, at[MASKS], target, op[3:11])
        elif kind == PHASES:
            phases(arena, base, first, target, second, op[3:17])
            finish(base, at[MASKS], target, op[9:17])
        elif kind in (MAX_POOL, ALL_MEAN, INSIDE_MEAN):
            pool(arena, base, first, target, op[3:21], kind - MAX_POOL)
            finish(base, at[MASKS], target, op[13:21])
        elif kind == MEANS:
            means(arena, first, target, op[3:15])
            finish(base, at[MASKS], target, op[7:15])
        elif kind in (ADD, MUL):
            combine(arena, first, second, target, op[3], op[4], kind == MUL)
        elif kind == ACTIVATION:
            for i in range(len(some)):
                source, end, mask = base + 4 * first[i], base + 4 * target[i], at[MASKS] + 4 * op[4]
                act(op[5], op[7], op[3], op[8], source, mask, end, scales[op[6] + second[i]])
                write_sides(end, mask, op[7], op[3], op[8], op[9], op[10])
        elif kind == KEEP:
            keep(arena, first, target, op[3], op[4], op[5], image * op[6])
        elif kind == GATHER and op[6]:
            unfold(arena, base, len(x), op[3], target, op[4:10])
        elif kind == GATHER:
            kept = base + 4 * op[3]
            copy_in(arena, base, view(kept, np.float32, (len(x), op[2], 1, op[5])), kept, first, target, 0, op[9])
        elif kind == OUTPUT:
            copy_out(arena, target, y)
