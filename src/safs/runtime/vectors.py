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
            choice.add_case(constant(number), block)
            builder.position_at_end(block)
            begin = constant(0)
            for together in TOGETHER:
                end = builder.sub(count, builder.urem(count, constant(together)))
                wide = [Lanes(builder, splat(builder, scale, WIDTH * together)) for scale in scales]
                kind = ir.VectorType(FLOAT, WIDTH * together)
                with cgutils.for_range_slice(builder, begin, end, constant(together), inc=True) as (index, _):
                    offset = builder.mul(index, constant(BYTES))
                    result = formula(Lanes(builder, load(builder, builder.add(x, offset), 0, kind)), *wide)
                    masked_store(builder, result, builder.add(mask, offset), builder.add(y, offset), 0)
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
        rows = [load(builder, builder.add(x, builder.mul(step, constant(row)))) for row in range(WIDTH)]
        zips = [[half + lane // 2 + WIDTH * (lane % 2) for lane in range(WIDTH)] for half in (0, WIDTH // 2)]
        for _ in range(WIDTH.bit_length() - 1):  # each time rows from both halves are zipped
            pairs = zip(rows[: WIDTH // 2], rows[WIDTH // 2 :], strict=True)
            rows = [builder.shuffle_vector(a, b, ir.Constant(INTS, lanes)) for a, b in pairs for lanes in zips]
        for row, value in enumerate(rows):
            place = builder.add(y, builder.mul(out_step, constant(row)))
            builder.store(value, pointer(builder, place, 0, FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@intrinsic
def move(typing: Any, x: Any, y: Any) -> Any:
    """Copy a vector from and to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(load(builder, arguments[0]), pointer(builder, arguments[1], 0, FLOATS), align=4)
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
        strides = [constant(item)]
        for size in reversed(sizes[1:]):
            strides.insert(0, builder.mul(strides[0], size))
        data = builder.inttoptr(arguments[0], made.data.type)
        populate_array(made, data, sizes, strides, constant(item), meminfo=None)
        return made._getvalue()

    return array(address, kind, shape), generate
