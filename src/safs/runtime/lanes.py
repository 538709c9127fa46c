"""Vectors of floats in LLVM's language, with the operators and functions that formulas need.

A formula written with `Lanes` reads like arithmetic and becomes vector instructions: no compiler is needed beyond
the one in Numba. Every function is branch-free and within a few units in the last place of float32.
"""

import os
from collections.abc import Sequence
from typing import Any, Union

import llvmlite.binding as llvm
from llvmlite import ir


def target() -> tuple[str, str]:
    """The processor that code is compiled for and its features: this one, unless Numba is told of another."""
    name = os.environ.get("NUMBA_CPU_NAME")
    if name:
        return name, os.environ.get("NUMBA_CPU_FEATURES", "")
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


WIDTH = 16 if "+avx512f" in target()[1].split(",") else 8
"""Floats in a vector: a register of AVX-512, otherwise one of AVX2 or two of a smaller machine."""

LONGEST = 12 if WIDTH == 8 else 16
"""Vectors of a strip: what the registers hold beside a weight."""

PAIRED = LONGEST // 2
"""Vectors of each of two strips that are computed together."""

BYTES = 4 * WIDTH
"""Bytes of a vector."""

FLOAT, INT, LONG = ir.FloatType(), ir.IntType(32), ir.IntType(64)
FLOATS, INTS = ir.VectorType(FLOAT, WIDTH), ir.VectorType(INT, WIDTH)

Operand = Union["Lanes", float]


def constant(value: int) -> Any:
    """A 64-bit constant."""
    return ir.Constant(LONG, value)


def pointer(builder: Any, address: Any, offset: int, kind: Any) -> Any:
    """To what lies so many bytes after an address."""
    return builder.inttoptr(builder.add(address, constant(offset)), kind.as_pointer())


def load(builder: Any, address: Any, offset: int = 0, kind: Any = FLOATS) -> Any:
    """What lies so many bytes after an address, a vector if nothing else is said."""
    return builder.load(pointer(builder, address, offset, kind), align=4)


def splat(builder: Any, value: Any, count: int = WIDTH) -> Any:
    """A vector that holds one value in every lane."""
    kind = ir.VectorType(value.type, count)
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(INT, 0))
    return builder.shuffle_vector(
        single, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(INT, count), [0] * count)
    )


def fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """The value of a * b + c, in one instruction where the machine has it."""
    kind = ir.FunctionType(a.type, [a.type] * 3)
    name = f"llvm.fmuladd.v{a.type.count}f32"
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, [a, b, c])


class Lanes:
    """A vector of floats: one or several registers, whose instructions then take turns.

    Args:
        builder: the LLVM builder that the instructions go to.
        value: the vector.
    """

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value
        self.count = value.type.count
        self.ints = ir.VectorType(INT, self.count)

    def _other(self, other: Operand) -> Any:
        if isinstance(other, Lanes):
            return other.value
        return ir.Constant(self.value.type, [float(other)] * self.count)

    def _new(self, value: Any) -> "Lanes":
        return Lanes(self.builder, value)

    def __add__(self, other: Operand) -> "Lanes":
        return self._new(self.builder.fadd(self.value, self._other(other)))

    def __sub__(self, other: Operand) -> "Lanes":
        return self._new(self.builder.fsub(self.value, self._other(other)))

    def __rsub__(self, other: float) -> "Lanes":
        return self._new(self.builder.fsub(self._other(other), self.value))

    def __mul__(self, other: Operand) -> "Lanes":
        return self._new(self.builder.fmul(self.value, self._other(other)))

    def __truediv__(self, other: Operand) -> "Lanes":
        return self._new(self.builder.fdiv(self.value, self._other(other)))

    def __rtruediv__(self, other: float) -> "Lanes":
        return self._new(self.builder.fdiv(self._other(other), self.value))

    def __neg__(self) -> "Lanes":
        return self._new(self.builder.fneg(self.value))

    __radd__, __rmul__ = __add__, __mul__

    def fma(self, factor: Operand, term: Operand) -> "Lanes":
        """Self * factor + term."""
        return self._new(fused(self.builder, self.value, self._other(factor), self._other(term)))

    def max(self, other: Operand) -> "Lanes":
        """The larger of both; a NaN in self stays one."""
        limit = self._other(other)
        return self._new(self.builder.select(self.builder.fcmp_ordered(">", limit, self.value), limit, self.value))

    def min(self, other: Operand) -> "Lanes":
        """The smaller of both; a NaN in self stays one."""
        limit = self._other(other)
        return self._new(self.builder.select(self.builder.fcmp_ordered("<", limit, self.value), limit, self.value))

    def where_positive(self, yes: Operand, no: Operand) -> "Lanes":
        """`no` where self has a minus sign, else `yes`."""
        negative = self.builder.icmp_signed("<", self.bits(), self.whole(0))
        return self._new(self.builder.select(negative, self._other(no), self._other(yes)))

    def abs(self) -> "Lanes":
        """Without its sign."""
        bits = self.builder.and_(self.bits(), self.whole(0x7FFFFFFF))
        return self.from_bits(bits)

    def negative(self) -> "Lanes":
        """-|self|."""
        return self.from_bits(self.builder.or_(self.bits(), self.whole(-0x80000000)))

    def signed_like(self, other: "Lanes") -> "Lanes":
        """Self, which is not negative, with the sign of `other`."""
        sign = self.builder.and_(other.bits(), self.whole(-0x80000000))
        return self.from_bits(self.builder.or_(self.bits(), sign))

    def whole(self, number: int) -> Any:
        """A 32-bit integer in every lane."""
        return ir.Constant(self.ints, [number] * self.count)

    def bits(self) -> Any:
        """The lanes as 32-bit integers."""
        return self.builder.bitcast(self.value, self.ints)

    def from_bits(self, bits: Any) -> "Lanes":
        """32-bit integers as floats."""
        return self._new(self.builder.bitcast(bits, self.value.type))

    def polynomial(self, coefficients: Sequence[float]) -> "Lanes":
        """By Horner's rule, the highest power's coefficient first."""
        result = self._new(self._other(coefficients[0]))
        for coefficient in coefficients[1:]:
            result = result.fma(self, coefficient)
        return result


def beside(value: Lanes, lanes: int) -> Lanes:
    """What each lane's neighbour holds that many lanes further; what has no neighbour holds anything."""
    order = [(lane + lanes) % WIDTH for lane in range(WIDTH)]
    return Lanes(value.builder, value.builder.shuffle_vector(value.value, value.value, ir.Constant(INTS, order)))


def masked_store(builder: Any, value: Lanes, mask: Any, address: Any, offset: int) -> None:
    """Write a vector so many bytes after an address, with zeros where the mask there has them."""
    kept = builder.and_(value.bits(), load(builder, mask, offset, value.ints))
    builder.store(kept, pointer(builder, address, offset, value.ints), align=4)
