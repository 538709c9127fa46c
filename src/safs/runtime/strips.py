"""The inner loops of a sparse convolution, as LLVM instructions: a strip of one row's outputs, or of two rows' outputs.

Addresses are plain integers. Each intrinsic holds a loop for every length of a strip and jumps to the one that is asked for.
"""

from collections.abc import Iterator
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
    constant,
    fused,
    load,
    masked_store,
    splat,
)

CHAINS = {1: 4, 2: 4, 3: 2, 4: 2}  # sums kept apart in short strips, so that one need not wait for the other


def _walk(
    builder: Any, start: Any, end: Any, sums: list[list[Any]], x: Any, nonzeros: Any, shared: bool = False
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
    for place, column in enumerate(zip(*phis, strict=True)):
        read = [load(builder, source, BYTES * place) for source in sources]
        for number, phi in enumerate(column):
            phi.add_incoming(fused(builder, weights[number], read[0 if shared else number], phi), body)
    at.add_incoming(following, body)
    builder.branch(head)
    builder.position_at_end(after)
    return at, phis


def _finish(builder: Any, total: list[Any], floor: Any, mask: Any, residual: Any, y: Any) -> None:
    """Add a strip if there is one, hold the sums above a floor, and store what is not padding."""
    plain, adding, joined = builder.block, builder.append_basic_block("add"), builder.append_basic_block("join")
    builder.cbranch(builder.icmp_signed("!=", residual, constant(0)), adding, joined)
    builder.position_at_end(adding)
    added = [builder.fadd(v, load(builder, residual, BYTES * i)) for i, v in enumerate(total)]
    builder.branch(joined)
    builder.position_at_end(joined)
    values = [builder.phi(FLOATS) for _ in total]
    lowest = Lanes(builder, splat(builder, floor))
    for place, value in enumerate(values):
        value.add_incoming(total[place], plain)
        value.add_incoming(added[place], adding)
        masked_store(builder, Lanes(builder, value).max(lowest), mask, y, BYTES * place)


def _each_length(builder: Any, length: Any, longest: int) -> Iterator[int]:
    """A case for every length; what is built while a length is at hand is what is done for it."""
    done = builder.append_basic_block("done")
    choice = builder.switch(length, done)
    for vectors in range(1, longest + 1):
        block = builder.append_basic_block(f"strip{vectors}")
        choice.add_case(constant(vectors), block)
        builder.position_at_end(block)
        yield vectors
        builder.branch(done)
    builder.position_at_end(done)


@intrinsic
def strip(
    typing: Any,
    length: Any,
    x: Any,
    nonzeros: Any,
    start: Any,
    end: Any,
    bias: Any,
    floor: Any,
    mask: Any,
    residual: Any,
    y: Any,
) -> Any:
    """One row's strip of outputs: bias, plus weight times a shifted strip of the input for every nonzero.

    Args:
        length: vectors in the strip, 1 to `LONGEST`.
        x: address that the nonzeros' offsets count from.
        nonzeros: address of (offset in bytes, int32; weight, float32).
        start: the row's first nonzero.
        end: one past its last.
        bias: what the sums start from.
        floor: what the outputs are held above: 0 for a ReLU, otherwise minus infinity.
        mask: address of 32 bits for every output; zeros fall on what is padding.
        residual: address of a strip to add, or 0.
        y: address of the outputs.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        length, x, nonzeros, start, end, bias, floor, mask, residual, y = arguments
        for vectors in _each_length(builder, length, LONGEST):
            zero = ir.Constant(FLOATS, [0.0] * WIDTH)
            chains = CHAINS.get(vectors, 1)
            sums = [[splat(builder, bias)] * vectors] + [[zero] * vectors] * (chains - 1)
            at, sums = _walk(builder, start, end, sums, x, nonzeros)
            total = sums[0]
            for chain in sums[1:]:
                total = [builder.fadd(a, b) for a, b in zip(total, chain, strict=True)]
            if chains > 1:
                _, (total,) = _walk(builder, at, end, [total], x, nonzeros)
            _finish(builder, total, floor, mask, residual, y)
        return context.get_dummy_value()

    long, single = types.int64, types.float32
    return types.void(long, long, long, long, long, single, single, long, long, long), generate


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
    residual: Any,
    y: Any,
) -> Any:
    """Two rows' strips of outputs, from nonzeros that both have at the same place and from those that one has alone.

    Args:
        length: vectors in each strip, 1 to `PAIRED`.
        x: address that the nonzeros' offsets count from.
        nonzeros: address of (offset in bytes, int32; weight, float32): those of both rows in turns, then the first
            row's own, then the second's.
        bounds: four numbers of nonzeros: the first, the first row's first of its own, the second's, one past the last.
        bias: what each row's sums start from.
        floor: what the outputs are held above: 0 for a ReLU, otherwise minus infinity.
        mask: address of 32 bits for every output; zeros fall on what is padding.
        residual: addresses of two strips to add, or 0.
        y: addresses of the outputs.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        length, x, nonzeros, bounds, bias, floor, mask, residual, y = arguments
        start, first, second, end = cgutils.unpack_tuple(builder, bounds)
        ends = first, second, end
        bias, residual, y = (cgutils.unpack_tuple(builder, two) for two in (bias, residual, y))
        for vectors in _each_length(builder, length, PAIRED):
            sums = [[splat(builder, value)] * vectors for value in bias]
            _, sums = _walk(builder, start, first, sums, x, nonzeros, shared=True)
            for row in (0, 1):
                _, (total,) = _walk(builder, ends[row], ends[row + 1], [sums[row]], x, nonzeros)
                _finish(builder, total, floor, mask, residual[row], y[row])
        return context.get_dummy_value()

    long, single = types.int64, types.float32
    two, four = types.UniTuple(long, 2), types.UniTuple(long, 4)
    return types.void(long, long, long, four, types.UniTuple(single, 2), single, long, two, two), generate
