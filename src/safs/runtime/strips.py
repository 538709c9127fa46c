"""The inner loops of a sparse convolution, as LLVM instructions: a strip of one channel's outputs, or of two channels' outputs.

A strip is a piece of a row of a plane, or some whole rows. Addresses are plain integers. Each intrinsic holds a loop for every
shape of a strip and jumps to the one that is asked for.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from safs.runtime.lanes import (
    BYTES,
    FLOAT,
    FLOATS,
    INT,
    LONG,
    LONGEST,
    PAIRED,
    WIDTH,
    Lanes,
    beside,
    constant,
    fused,
    load,
    masked_store,
    pointer,
    splat,
)
from safs.runtime.shapes import Shape, each_shape

GOES_ON, ENDS, WITH_SIDES = 0, 1, 2  # what a strip's outputs are: sums to be added to, or complete
CHAINS = {1: 4, 2: 4, 3: 2, 4: 2}  # sums kept apart in short strips, so that one need not wait for the other


def _walk(
    builder: Any, shape: Shape, start: Any, end: Any, sums: list[list[Any]], x: Any, nonzeros: Any, shared: bool = False
) -> tuple[Any, list[Any]]:
    """A loop over nonzeros, as many at a time as there are lists of sums; if `shared`, these read what the first one reads."""
    count = len(sums)
    before = builder.block
    head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    at = builder.phi(LONG)
    at.add_incoming(start, before)
    phis = []
    for chain in sums:
        row = [builder.phi(FLOATS) for _ in chain]
        for phi, value in zip(row, chain, strict=True):
            phi.add_incoming(value, before)
        phis.append(row)
    following = builder.add(at, constant(count))
    builder.cbranch(builder.icmp_signed("<=", following, end), body, after)
    builder.position_at_end(body)
    entries = [
        builder.add(nonzeros, builder.shl(builder.add(at, constant(number)), constant(3))) for number in range(count)
    ]
    if shared:
        sources = [builder.add(x, builder.zext(load(builder, entries[0], 0, INT), LONG))]
        weights = [splat(builder, load(builder, entry, 4, FLOAT)) for entry in entries]
    else:
        pairs = [load(builder, entry, 0, LONG) for entry in entries]
        sources = [builder.add(x, builder.and_(pair, constant(0xFFFFFFFF))) for pair in pairs]
        bits = [builder.trunc(builder.lshr(pair, constant(32)), INT) for pair in pairs]
        weights = [splat(builder, builder.bitcast(weight, FLOAT)) for weight in bits]
    places = [shape.places(builder, source) for source in sources]
    for number, column in enumerate(zip(*phis, strict=True)):
        read = [load(builder, *place[number]) for place in places]
        for which, phi in enumerate(column):
            phi.add_incoming(fused(builder, weights[which], read[0 if shared else which], phi), body)
    at.add_incoming(following, body)
    builder.branch(head)
    builder.position_at_end(after)
    return at, phis


def _finish(
    builder: Any, shape: Shape, total: list[Any], floor: Any, mask: Any, ending: Any, residual: Any, y: Any
) -> None:
    """Add a strip if there is one and store the sums; if that is their end, held above a floor, and zeros in the padding."""
    plain, adding, joined = builder.block, builder.append_basic_block("add"), builder.append_basic_block("join")
    builder.cbranch(builder.icmp_signed("!=", residual, constant(0)), adding, joined)
    builder.position_at_end(adding)
    added = [builder.fadd(v, load(builder, *at)) for v, at in zip(total, shape.places(builder, residual), strict=True)]
    builder.branch(joined)
    builder.position_at_end(joined)
    sums, places = [builder.phi(FLOATS) for _ in total], shape.places(builder, y)
    for number, phi in enumerate(sums):
        phi.add_incoming(total[number], plain)
        phi.add_incoming(added[number], adding)
    with builder.if_else(builder.icmp_signed("==", ending, constant(GOES_ON))) as (before, at_last):
        with before:
            for value, (row, offset) in zip(sums, places, strict=True):
                builder.store(value, pointer(builder, row, offset, FLOATS), align=4)
        with at_last:
            lowest = Lanes(builder, splat(builder, floor))
            values = [Lanes(builder, value).max(lowest) for value in sums]
            for held, (row, offset) in zip(values, places, strict=True):
                masked_store(builder, held, mask, row, offset)
            if shape.step is not None:
                with builder.if_then(builder.icmp_signed("==", ending, constant(WITH_SIDES))):
                    _store_sides(builder, shape, values, mask, places)


def _store_sides(builder: Any, shape: Shape, values: list[Lanes], mask: Any, places: list[tuple[Any, int]]) -> None:
    """Write beside each row what its lanes' neighbours have."""
    for first in range(0, len(values), shape.columns):
        row, last = places[first][0], first + shape.columns - 1
        masked_store(builder, beside(values[last], -1), mask, row, -BYTES)
        masked_store(builder, beside(values[first], 1), mask, row, shape.columns * BYTES)


@intrinsic
def strip(
    typing: Any,
    rows: Any,
    columns: Any,
    step: Any,
    x: Any,
    nonzeros: Any,
    start: Any,
    end: Any,
    bias: Any,
    floor: Any,
    mask: Any,
    ending: Any,
    residual: Any,
    y: Any,
) -> Any:
    """One channel's strip of outputs: bias, plus weight times a shifted strip of the input for every nonzero.

    Args:
        rows: rows of the strip.
        columns: vectors of each row, 1 to `LONGEST` in all; 2 or more where there are several rows.
        step: bytes from a row to the next, in the input and in the outputs.
        x: address that the nonzeros' offsets count from.
        nonzeros: address of (offset in bytes, int32; weight, float32).
        start: the channel's first nonzero.
        end: one past its last.
        bias: what the sums start from.
        floor: what the outputs are held above: 0 for a ReLU, otherwise minus infinity.
        mask: address of 32 bits for every output of a row; zeros fall on what is padding.
        ending: `GOES_ON`, `ENDS` or `WITH_SIDES`; the last writes beside each row the vectors that have its lanes' neighbours.
        residual: address of a strip to add, or 0.
        y: address of the outputs.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, columns, step, x, nonzeros, start, end, bias, floor, mask, ending, residual, y = arguments
        for shape in each_shape(builder, rows, columns, step, LONGEST):
            zero, vectors = ir.Constant(FLOATS, [0.0] * WIDTH), shape.rows * shape.columns
            chains = CHAINS.get(vectors, 1)
            sums = [[splat(builder, bias)] * vectors] + [[zero] * vectors] * (chains - 1)
            at, sums = _walk(builder, shape, start, end, sums, x, nonzeros)
            total = sums[0]
            for chain in sums[1:]:
                total = [builder.fadd(a, b) for a, b in zip(total, chain, strict=True)]
            if chains > 1:
                _, (total,) = _walk(builder, shape, at, end, [total], x, nonzeros)
            _finish(builder, shape, total, floor, mask, ending, residual, y)
        return context.get_dummy_value()

    long, single = types.int64, types.float32
    return types.void(*[long] * 7, single, single, *[long] * 4), generate


@intrinsic
def two_strips(
    typing: Any,
    length: Any,
    x: Any,
    nonzeros: Any,
    bounds: Any,
    bias: Any,
    floor: Any,
    mask: Any,
    ending: Any,
    residual: Any,
    y: Any,
) -> Any:
    """Two channels' strips of outputs, from nonzeros that both have at the same place and from those that one has alone.

    Args:
        length: vectors of each strip, 1 to `PAIRED`.
        x: address that the nonzeros' offsets count from.
        nonzeros: address of (offset in bytes, int32; weight, float32): those of both channels in turns, then the first
            channel's own, then the second's.
        bounds: four numbers of nonzeros: the first, the first channel's first of its own, the second's, one past the last.
        bias: what each channel's sums start from.
        floor: what the outputs are held above: 0 for a ReLU, otherwise minus infinity.
        mask: address of 32 bits for every output; zeros fall on what is padding.
        ending: `GOES_ON` or `ENDS`.
        residual: addresses of two strips to add, or 0.
        y: addresses of the outputs.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        length, x, nonzeros, bounds, bias, floor, mask, ending, residual, y = arguments
        start, first, second, end = cgutils.unpack_tuple(builder, bounds)
        ends = first, second, end
        bias, residual, y = (cgutils.unpack_tuple(builder, two) for two in (bias, residual, y))
        for shape in each_shape(builder, constant(1), length, None, PAIRED):
            sums = [[splat(builder, value)] * shape.columns for value in bias]
            _, sums = _walk(builder, shape, start, first, sums, x, nonzeros, shared=True)
            for channel in (0, 1):
                _, (total,) = _walk(builder, shape, ends[channel], ends[channel + 1], [sums[channel]], x, nonzeros)
                _finish(builder, shape, total, floor, mask, ending, residual[channel], y[channel])
        return context.get_dummy_value()

    long, single = types.int64, types.float32
    two, four = types.UniTuple(long, 2), types.UniTuple(long, 4)
    return types.void(long, long, long, four, types.UniTuple(single, 2), single, long, long, two, two), generate
