"""What the kernels walk through: tables of stages, rows and weights."""

from typing import Any, NamedTuple


class Program(NamedTuple):
    """A lowered network; all arrays int64 where not said otherwise.

    Attributes:
        table: [stages, columns], see `columns`.
        places: input offsets of the positions of every stage.
        reach: input offsets of a dense stage's weights.
        reads: what a dense stage's weights were multiplied with.
        slopes: which gradient belongs to each of `reads`.
        first: a row's first weight in `entry_theta`.
        last: where its weights end.
        first_fixed: a row's first weight on a constant, in `fixed_theta`.
        last_fixed: where they end.
        bias: place of a row's bias in theta, -1 for none.
        scale: [rows, 4], places of a row's scales in theta, -1 where they are constants.
        scale_value: [rows, 4], float32, the constants.
        entry_theta: place of a weight in theta.
        entry_offset: offset of its input.
        fixed_theta: place in theta of a weight on a constant.
        fixed_row: the constant's row.
        scratch: where kernels find room: [windows of the largest stage] twice, and eight floats.
    """

    table: Any
    places: Any
    reach: Any
    reads: Any
    slopes: Any
    first: Any
    last: Any
    first_fixed: Any
    last_fixed: Any
    bias: Any
    scale: Any
    scale_value: Any
    entry_theta: Any
    entry_offset: Any
    fixed_theta: Any
    fixed_row: Any
    scratch: Any


class Memory(NamedTuple):
    """What the kernels write; float32.

    Attributes:
        arena: all buffers.
        theta: the parameters that are left.
        grad: their gradients.
        first: the optimizer's first moments.
        second: its second moments.
        rate: learning rate of each parameter.
        decay: weight decay of each parameter.
        keep: 1, and 0 for what must stay zero inside dense stages.
        bias: [rows], biases with the share of the constants.
        scale: [rows, 4], the scales in use.
        value: [rows], values of the constants.
        bias_slope: [rows], gradient of `bias`.
        scale_slope: [rows, 4], gradient of `scale`.
        value_slope: [rows], gradient of `value`.
        fused: [stages], int64, 1 where pooling comes first because the activation rises.
    """

    arena: Any
    theta: Any
    grad: Any
    first: Any
    second: Any
    rate: Any
    decay: Any
    keep: Any
    bias: Any
    scale: Any
    value: Any
    bias_slope: Any
    scale_slope: Any
    value_slope: Any
    fused: Any
