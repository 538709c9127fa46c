"""What is done to whole vectors, as LLVM instructions: an activation along a strip, maxima, copies, transposition.

Addresses are plain integers.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from safs.runtime.formulas import FORMULAS
from safs.runtime.lanes import BYTES, FLOAT, FLOATS, INTS, WIDTH, Lanes, constant, load, masked_store, pointer, splat

TOGETHER = (4, 1)  # vectors of an activation whose instructions take turns, and the rest one by one


def _every_other(builder: Any, a: Any, b: Any, first: int) -> Any:
    """Every second float of two vectors, the first or the second of each pair."""
    return builder.shuffle_vector(a, b, ir.Constant(INTS, [*range(first, 2 * WIDTH, 2)]))


def _zip(builder: Any, a: Any, b: Any) -> list[Any]:
    """The first floats of two vectors, their second floats and so on: two vectors."""
    halves = [[half + lane // 2 + WIDTH * (lane % 2) for lane in range(WIDTH)] for half in (0, WIDTH // 2)]
    return [builder.shuffle_vector(a, b, ir.Constant(INTS, lanes)) for lanes in halves]


@intrinsic
def activate(
    typing: Any, code: Any, rows: Any, count: Any, step: Any, x: Any, mask: Any, y: Any, a: Any, b: Any, c: Any, d: Any
) -> Any:
    """An activation of a plane, row by row.

    Args:
        code: which, from `CODES`.
        rows: rows of the plane.
        count: vectors of a row.
        step: bytes from a row to the next.
        x: address of the inputs.
        mask: address of 32 bits for every output of a row; zeros fall on what is padding.
        y: address of the outputs, which may be that of the inputs.
        a: first scale, float32; b, c and d are the others.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code, rows, count, step, x, mask, y, *scales = arguments
        builder.function.attributes.add("noinline")  # beside other code its constants would not stay in registers
        done = builder.append_basic_block("done")
        choice = builder.switch(code, done)
        for number, (name, formula) in enumerate(FORMULAS.items()):
            block = builder.append_basic_block(name)
            choice.add_case(constant(number), block)
            builder.position_at_end(block)
            with cgutils.for_range(builder, rows) as row:
                shift, begin = builder.mul(row.index, step), constant(0)
                for together in TOGETHER:
                    end = builder.sub(count, builder.urem(count, constant(together)))
                    wide = [Lanes(builder, splat(builder, scale, WIDTH * together)) for scale in scales]
                    kind = ir.VectorType(FLOAT, WIDTH * together)
                    with cgutils.for_range_slice(builder, begin, end, constant(together), inc=True) as (index, _):
                        offset = builder.mul(index, constant(BYTES))
                        place = builder.add(shift, offset)
                        result = formula(Lanes(builder, load(builder, builder.add(x, place), 0, kind)), *wide)
                        masked_store(builder, result, builder.add(mask, offset), builder.add(y, place), 0)
                    begin = end
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    long, single = types.int64, types.float32
    return types.void(*[long] * 7, *[single] * 4), generate


@intrinsic
def greatest(typing: Any, a: Any, b: Any, c: Any, d: Any, y: Any) -> Any:
    """The largest of four vectors, lane by lane, from and to addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, *others = (Lanes(builder, load(builder, address)) for address in arguments[:4])
        for other in others:
            first = first.max(other)
        builder.store(first.value, pointer(builder, arguments[4], 0, FLOATS), align=4)
        return context.get_dummy_value()

    long = types.int64
    return types.void(long, long, long, long, long), generate


@intrinsic
def halved(typing: Any, a: Any, b: Any, y: Any) -> Any:
    """The largest of each two by two floats of two rows, a vector of them, from and to addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, y = arguments
        rows = [Lanes(builder, load(builder, a, at)).max(Lanes(builder, load(builder, b, at))) for at in (0, BYTES)]
        even, odd = (Lanes(builder, _every_other(builder, rows[0].value, rows[1].value, first)) for first in (0, 1))
        builder.store(even.max(odd).value, pointer(builder, y, 0, FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def every_second(typing: Any, x: Any, y: Any) -> Any:
    """Copy the first of every two floats, a vector of them, from and to addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, y = arguments
        kept = _every_other(builder, load(builder, x), load(builder, x, BYTES), 0)
        builder.store(kept, pointer(builder, y, 0, FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def transpose(typing: Any, x: Any, step: Any, y: Any, out_step: Any, count: Any) -> Any:
    """Read as many vectors as a vector has floats, and write them to addresses, rows becoming columns.

    Args:
        x: address of the first vector.
        step: bytes from there to the next.
        y: address to write to.
        out_step: bytes from one vector to the next there.
        count: vectors to write, 1 or more; the others are dropped.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, step, y, out_step, count = arguments
        rows = [load(builder, builder.add(x, builder.mul(step, constant(row)))) for row in range(WIDTH)]
        for _ in range(WIDTH.bit_length() - 1):  # each time rows from both halves are zipped
            pairs = zip(rows[: WIDTH // 2], rows[WIDTH // 2 :], strict=True)
            rows = [mixed for a, b in pairs for mixed in _zip(builder, a, b)]
        last = builder.sub(count, constant(1))
        for row in reversed(range(WIDTH)):  # those to be dropped are written first, to the last one's place
            beyond = builder.icmp_signed(">", constant(row), last)
            place = builder.add(y, builder.mul(out_step, builder.select(beyond, last, constant(row))))
            builder.store(rows[row], pointer(builder, place, 0, FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@intrinsic
def move(typing: Any, x: Any, y: Any) -> Any:
    """Copy a vector from and to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(load(builder, arguments[0]), pointer(builder, arguments[1], 0, FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def zipped(typing: Any, a: Any, b: Any, y: Any) -> Any:
    """The first floats of two vectors, their second floats and so on, from and to addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, y = arguments
        for mixed, at in zip(_zip(builder, load(builder, a), load(builder, b)), (0, BYTES), strict=True):
            builder.store(mixed, pointer(builder, y, at, FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def kept(typing: Any, x: Any, mask: Any, y: Any) -> Any:
    """Copy a vector, with zeros where the mask has them, from and to addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, mask, y = arguments
        masked_store(builder, Lanes(builder, load(builder, x)), mask, y, 0)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def view(typing: Any, address: Any, kind: Any, shape: Any) -> Any:
    """The array of a kind and shape, one row after the other, at an address."""
    array = types.Array(kind.dtype, len(shape), "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(array)(context, builder)
        sizes = cgutils.unpack_tuple(builder, arguments[2])
        item = context.get_abi_sizeof(context.get_data_type(kind.dtype))
        strides = [constant(item)]
        for size in reversed(sizes[1:]):
            strides.insert(0, builder.mul(strides[0], size))
        data = builder.inttoptr(arguments[0], made.data.type)
        populate_array(made, data, sizes, strides, constant(item), meminfo=None)
        return made._getvalue()

    return array(address, kind, shape), generate
