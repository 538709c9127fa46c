"""Eight floats at once, as a type for Numba: `Vec` with `+ - * /` and what a kernel needs around them.

LLVM's own vectoriser cannot keep a tile of sums in registers; explicit vectors can, and need no compiler on the
user's machine. On a processor without vectors of eight floats LLVM splits them.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.imputils import lower_builtin, lower_cast
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model

WIDTH = 8  # images, the lanes of a vector
FLOAT, INT = ir.FloatType(), ir.IntType(32)
FLOATS, INTS = ir.VectorType(FLOAT, WIDTH), ir.VectorType(INT, WIDTH)
CONTRACT = ("contract",)  # a product and a sum may become one instruction
kernel = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)  # called by kernels alone


class Vec(types.Type):  # type: ignore[misc]
    """Eight float32; a number beside one is repeated."""

    def __init__(self) -> None:
        super().__init__("Vec")

    def can_convert_from(self, typingctx: Any, other: types.Type) -> Conversion | None:
        return Conversion.safe if isinstance(other, types.Float | types.Integer) else None


vec = Vec()


@register_model(Vec)
class _VecModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: types.Type) -> None:
        super().__init__(manager, kind, FLOATS)


def constant(value: float) -> ir.Constant:
    """A vector of one value."""
    return ir.Constant(FLOATS, [value] * WIDTH)


def spread(builder: Any, value: Any) -> Any:
    """Repeat a scalar in every lane."""
    one = builder.insert_element(ir.Constant(FLOATS, ir.Undefined), value, ir.Constant(INT, 0))
    return builder.shuffle_vector(one, ir.Constant(FLOATS, ir.Undefined), ir.Constant(INTS, [0] * WIDTH))


@lower_cast(types.Float, Vec)
@lower_cast(types.Integer, Vec)
def _cast(context: Any, builder: Any, fromty: Any, toty: Any, value: Any) -> Any:
    return spread(builder, context.cast(builder, value, fromty, types.float32))


def _arithmetic(function: Callable[..., Any], instruction: str) -> None:
    """Teach Numba an operator of two operands of which at least one is a `Vec`."""

    @infer_global(function)
    class _Template(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            fits = all(isinstance(arg, Vec | types.Float | types.Integer) for arg in args)
            return signature(vec, vec, vec) if len(args) == 2 and fits and vec in args else None

    @lower_builtin(function, vec, vec)
    def _lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args, flags=CONTRACT)


for _function, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_function, _instruction)


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Pointer to the vector that starts at `array[index]`."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), FLOATS.as_pointer())


@intrinsic
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """The eight floats from `array[index]` on; unchecked."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_place(context, builder, sig.args[0], args[0], args[1]), align=4)

    return vec(array, types.int64), generate


@intrinsic
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Write eight floats from `array[index]` on; unchecked."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _place(context, builder, sig.args[0], args[0], args[1]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, vec), generate


@intrinsic
def number_at(typingctx: Any, array: Any, index: Any) -> Any:
    """The number `array[index]`, index not negative; unchecked, where Numba's own reading costs three instructions."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(builder.gep(context.make_array(sig.args[0])(context, builder, args[0]).data, [args[1]]))

    return array.dtype(array, types.int64), generate


@intrinsic
def spread_at(typingctx: Any, array: Any, index: Any) -> Any:
    """The number `array[index]` in every lane; unchecked."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return spread(builder, builder.load(builder.gep(data, [args[1]])))

    return vec(array, types.int64), generate


@intrinsic
def keep_rolled(typingctx: Any) -> Any:
    """Nothing; but LLVM does not unroll the loop that it stands in, whose sums just fit the registers."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.asm(ir.FunctionType(ir.VoidType(), []), "", "", [], side_effect=True)
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def splat(typingctx: Any, value: Any) -> Any:
    """A number in every lane."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return spread(builder, args[0])

    return vec(types.float32), generate


@intrinsic
def total(typingctx: Any, value: Any) -> Any:
    """The sum over the lanes, always in the same order."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        part, undefined = args[0], ir.Constant(FLOATS, ir.Undefined)
        for step in (4, 2, 1):
            lanes = [(lane + step) % WIDTH for lane in range(WIDTH)]
            part = builder.fadd(part, builder.shuffle_vector(part, undefined, ir.Constant(INTS, lanes)))
        return builder.extract_element(part, ir.Constant(INT, 0))

    return types.float32(vec), generate


def _choice(comparison: str) -> Any:
    @intrinsic
    def choose(typingctx: Any, left: Any, right: Any, yes: Any, no: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.select(builder.fcmp_ordered(comparison, args[0], args[1]), args[2], args[3])

        return vec(vec, vec, vec, vec), generate

    return choose


where_greater = _choice(">")  # where_greater(a, b, yes, no): yes where a > b, a NaN is not
where_equal = _choice("==")


@intrinsic
def magnitude(typingctx: Any, value: Any) -> Any:
    """|x|."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.and_(builder.bitcast(args[0], INTS), ir.Constant(INTS, [0x7FFFFFFF] * WIDTH))
        return builder.bitcast(bits, FLOATS)

    return vec(vec), generate


@intrinsic
def with_sign(typingctx: Any, value: Any, sign: Any) -> Any:
    """`value`, which is not negative, with the sign of `sign`."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bit = builder.and_(builder.bitcast(args[1], INTS), ir.Constant(INTS, [-0x80000000] * WIDTH))
        return builder.bitcast(builder.or_(builder.bitcast(args[0], INTS), bit), FLOATS)

    return vec(vec, vec), generate


def _polynomial(builder: Any, x: Any, coefficients: list[float]) -> Any:
    value = constant(coefficients[0])
    for coefficient in coefficients[1:]:
        value = builder.fadd(builder.fmul(value, x, flags=CONTRACT), constant(coefficient), flags=CONTRACT)
    return value


@intrinsic
def exponential(typingctx: Any, value: Any) -> Any:
    """exp(x) within 2e-7 of its size, x held in [-87, 88] (Cephes' expf); NaN stays NaN."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        x = args[0]
        for comparison, limit in ((">", 88.0), ("<", -87.0)):
            x = builder.select(builder.fcmp_ordered(comparison, x, constant(limit)), constant(limit), x)
        kind = ir.FunctionType(FLOATS, [FLOATS])
        floor = cgutils.get_or_insert_function(builder.module, kind, f"llvm.floor.v{WIDTH}f32")
        scaled = builder.fadd(builder.fmul(x, constant(1.44269504), flags=CONTRACT), constant(0.5), flags=CONTRACT)
        n = builder.call(floor, [scaled])
        rest = x
        for part in (-0.693359375, 2.12194440e-4):
            rest = builder.fadd(builder.fmul(n, constant(part), flags=CONTRACT), rest, flags=CONTRACT)
        series = [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]
        square = builder.fmul(rest, rest)
        curve = builder.fmul(_polynomial(builder, rest, series), square, flags=CONTRACT)
        curve = builder.fadd(builder.fadd(curve, rest, flags=CONTRACT), constant(1.0))
        exponent = builder.add(builder.fptosi(n, INTS), ir.Constant(INTS, [127] * WIDTH))
        power = builder.bitcast(builder.shl(exponent, ir.Constant(INTS, [23] * WIDTH)), FLOATS)
        return builder.fmul(curve, power)

    return vec(vec), generate


@intrinsic
def logarithm(typingctx: Any, value: Any) -> Any:
    """ln(x) within 2e-7 for normal positive x; NaN and infinity give NaN."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], INTS)
        # the mantissa in [sqrt(1/2), sqrt(2)): the exponent counts from the bits of sqrt(1/2)
        root = ir.Constant(INTS, [0x3F3504F3] * WIDTH)
        count = builder.ashr(builder.sub(bits, root), ir.Constant(INTS, [23] * WIDTH))
        mantissa = builder.bitcast(builder.sub(bits, builder.shl(count, ir.Constant(INTS, [23] * WIDTH))), FLOATS)
        exponent = builder.sitofp(count, FLOATS)
        t = builder.fdiv(builder.fsub(mantissa, constant(1.0)), builder.fadd(mantissa, constant(1.0)))
        series = _polynomial(builder, builder.fmul(t, t), [2 / 9, 2 / 7, 2 / 5, 2 / 3, 2.0])
        value = builder.fadd(builder.fmul(exponent, constant(0.69314718), flags=CONTRACT), builder.fmul(series, t))
        return builder.fadd(value, builder.fsub(args[0], args[0]))  # NaN - NaN and inf - inf are NaN

    return vec(vec), generate
