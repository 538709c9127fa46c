"""The two inner loops, as LLVM instructions: a strip of a sparse convolution, and an activation along a strip.

Addresses are plain integers. Each intrinsic holds all its variants and jumps to the one that is asked for.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from safs.runtime.formulas import FORMULAS
from safs.runtime.lanes import FLOAT, FLOATS, INT, INTS, LONG, LONGEST, PAIRED, WIDTH, Lanes, fused, splat

BYTES = 4 * WIDTH
TOGETHER = (4, 1)  # vectors of an activation whose instructions take turns, and the rest one by one
CHAINS = {1: 4, 2: 4, 3: 2, 4: 2}  # sums kept apart in short strips, so that one need not wait for the other


def _long(value: int) -> Any:
    return ir.Constant(LONG, value)


def _pointer(builder: Any, address: Any, offset: int, kind: Any) -> Any:
    return builder.inttoptr(builder.add(address, _long(offset)), kind.as_pointer())


def _load(builder: Any, address: Any, offset: int = 0, kind: Any = FLOATS) -> Any:
    return builder.load(_pointer(builder, address, offset, kind), align=4)


def _masked_store(builder: Any, value: Lanes, mask: Any, address: Any, offset: int) -> None:
    kept = builder.and_(value.bits(), _load(builder, mask, offset, value.ints))
    builder.store(kept, _pointer(builder, address, offset, value.ints), align=4)


def _every_other(builder: Any, a: Any, b: Any, first: int) -> Any:
    """Every second float of two vectors, the first or the second of each pair."""
    return builder.shuffle_vector(a, b, ir.Constant(INTS, [*range(first, 2 * WIDTH, 2)]))


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
    following = builder.add(at, _long(count))
    builder.cbranch(builder.icmp_signed("<=", following, end), body, after)
    builder.position_at_end(body)
    entries = [builder.add(nonzeros, builder.shl(builder.add(at, _long(number)), _long(3))) for number in range(count)]
    if shared:
        sources = [builder.add(x, builder.zext(_load(builder, entries[0], 0, INT), LONG))]
        weights = [splat(builder, _load(builder, entry, 4, FLOAT)) for entry in entries]
    else:
        pairs = [_load(builder, entry, 0, LONG) for entry in entries]
        sources = [builder.add(x, builder.and_(pair, _long(0xFFFFFFFF))) for pair in pairs]
        bits = [builder.trunc(builder.lshr(pair, _long(32)), INT) for pair in pairs]
        weights = [splat(builder, builder.bitcast(weight, FLOAT)) for weight in bits]
    for place, column in enumerate(zip(*phis, strict=True)):
        read = [_load(builder, source, BYTES * place) for source in sources]
        for number, phi in enumerate(column):
            phi.add_incoming(fused(builder, weights[number], read[0 if shared else number], phi), body)
    at.add_incoming(following, body)
    builder.branch(head)
    builder.position_at_end(after)
    return at, phis


def _finish(builder: Any, total: list[Any], floor: Any, mask: Any, residual: Any, y: Any) -> None:
    """Add a strip if there is one, hold the sums above a floor, and store what is not padding."""
    plain, adding, joined = builder.block, builder.append_basic_block("add"), builder.append_basic_block("join")
    builder.cbranch(builder.icmp_signed("!=", residual, _long(0)), adding, joined)
    builder.position_at_end(adding)
    added = [builder.fadd(v, _load(builder, residual, BYTES * i)) for i, v in enumerate(total)]
    builder.branch(joined)
    builder.position_at_end(joined)
    values = [builder.phi(FLOATS) for _ in total]
    lowest = Lanes(builder, splat(builder, floor))
    for place, value in enumerate(values):
        value.add_incoming(total[place], plain)
        value.add_incoming(added[place], adding)
        _masked_store(builder, Lanes(builder, value).max(lowest), mask, y, BYTES * place)


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
        done = builder.append_basic_block("done")
        choice = builder.switch(length, done)
        for vectors in range(1, LONGEST + 1):
            block = builder.append_basic_block(f"strip{vectors}")
            choice.add_case(_long(vectors), block)
            builder.position_at_end(block)
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
            builder.branch(done)
        builder.position_at_end(done)
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
        done = builder.append_basic_block("done")
        choice = builder.switch(length, done)
        for vectors in range(1, PAIRED + 1):
            block = builder.append_basic_block(f"strips{vectors}")
            choice.add_case(_long(vectors), block)
            builder.position_at_end(block)
            sums = [[splat(builder, value)] * vectors for value in bias]
            _, sums = _walk(builder, start, first, sums, x, nonzeros, shared=True)
            for row in (0, 1):
                _, (total,) = _walk(builder, ends[row], ends[row + 1], [sums[row]], x, nonzeros)
                _finish(builder, total, floor, mask, residual[row], y[row])
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    long, single = types.int64, types.float32
    two, four = types.UniTuple(long, 2), types.UniTuple(long, 4)
    return types.void(long, long, long, four, types.UniTuple(single, 2), single, long, two, two), generate


@intrinsic
def activate(typing: Any, code: Any, count: Any, x: Any, mask: Any, y: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """An activation along a strip.

    Args:
        code: which, from `CODES`.
        count: vectors in the strip.
        x: address of the inputs.
        mask: address of 32 bits for every output; zeros fall on what is padding.
        y: address of the outputs, which may be that of the inputs.
        a: first scale, float32; b, c and d are the others.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code, count, x, mask, y, *scales = arguments
        builder.function.attributes.add("noinline")  # beside other code its constants would not stay in registers
        done = builder.append_basic_block("done")
        choice = builder.switch(code, done)
        for number, (name, formula) in enumerate(FORMULAS.items()):
            block = builder.append_basic_block(name)
            choice.add_case(_long(number), block)
            builder.position_at_end(block)
            begin = _long(0)
            for together in TOGETHER:
                end = builder.sub(count, builder.urem(count, _long(together)))
                wide = [Lanes(builder, splat(builder, scale, WIDTH * together)) for scale in scales]
                kind = ir.VectorType(FLOAT, WIDTH * together)
                with cgutils.for_range_slice(builder, begin, end, _long(together), inc=True) as (index, _):
                    offset = builder.mul(index, _long(BYTES))
                    result = formula(Lanes(builder, _load(builder, builder.add(x, offset), 0, kind)), *wide)
                    _masked_store(builder, result, builder.add(mask, offset), builder.add(y, offset), 0)
                begin = end
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    long, single = types.int64, types.float32
    return types.void(long, long, long, long, long, single, single, single, single), generate


@intrinsic
def greatest(typing: Any, a: Any, b: Any, c: Any, d: Any, y: Any) -> Any:
    """The largest of four vectors, lane by lane, from and to addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, *others = (Lanes(builder, _load(builder, address)) for address in arguments[:4])
        for other in others:
            first = first.max(other)
        builder.store(first.value, _pointer(builder, arguments[4], 0, FLOATS), align=4)
        return context.get_dummy_value()

    long = types.int64
    return types.void(long, long, long, long, long), generate


@intrinsic
def halved(typing: Any, a: Any, b: Any, y: Any) -> Any:
    """The largest of each two by two floats of two rows, a vector of them, from and to addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, y = arguments
        rows = [Lanes(builder, _load(builder, a, at)).max(Lanes(builder, _load(builder, b, at))) for at in (0, BYTES)]
        even, odd = (Lanes(builder, _every_other(builder, rows[0].value, rows[1].value, first)) for first in (0, 1))
        builder.store(even.max(odd).value, _pointer(builder, y, 0, FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def every_second(typing: Any, x: Any, y: Any) -> Any:
    """Copy the first of every two floats, a vector of them, from and to addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, y = arguments
        kept = _every_other(builder, _load(builder, x), _load(builder, x, BYTES), 0)
        builder.store(kept, _pointer(builder, y, 0, FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def transpose(typing: Any, x: Any, step: Any, y: Any, out_step: Any) -> Any:
    """Write as many vectors as a vector has floats, from and to addresses, rows becoming columns.

    Args:
        x: address of the first vector.
        step: bytes from there to the next.
        y: address to write to.
        out_step: bytes from one vector to the next there.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, step, y, out_step = arguments
        rows = [_load(builder, builder.add(x, builder.mul(step, _long(row)))) for row in range(WIDTH)]
        zips = [[half + lane // 2 + WIDTH * (lane % 2) for lane in range(WIDTH)] for half in (0, WIDTH // 2)]
        for _ in range(WIDTH.bit_length() - 1):  # each time rows from both halves are zipped
            pairs = zip(rows[: WIDTH // 2], rows[WIDTH // 2 :], strict=True)
            rows = [builder.shuffle_vector(a, b, ir.Constant(INTS, lanes)) for a, b in pairs for lanes in zips]
        for row, value in enumerate(rows):
            place = builder.add(y, builder.mul(out_step, _long(row)))
            builder.store(value, _pointer(builder, place, 0, FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@intrinsic
def move(typing: Any, x: Any, y: Any) -> Any:
    """Copy a vector from and to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(_load(builder, arguments[0]), _pointer(builder, arguments[1], 0, FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def view(typing: Any, address: Any, kind: Any, shape: Any) -> Any:
    """The array of a kind and shape, one row after the other, at an address."""
    array = types.Array(kind.dtype, len(shape), "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(array)(context, builder)
        sizes = cgutils.unpack_tuple(builder, arguments[2])
        item = context.get_abi_sizeof(context.get_data_type(kind.dtype))
        strides = [_long(item)]
        for size in reversed(sizes[1:]):
            strides.insert(0, builder.mul(strides[0], size))
        data = builder.inttoptr(arguments[0], made.data.type)
        populate_array(made, data, sizes, strides, _long(item), meminfo=None)
        return made._getvalue()

    return array(address, kind, shape), generate
