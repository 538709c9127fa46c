"""Before and after a batch: units without inputs are one number each, folded into the biases of what reads them."""

from typing import Any

import numpy as np

from safs.native.columns import CONSTANTS, OPERATOR, RISING, ROW, ROWS
from safs.native.operators import activate, differentiate
from safs.native.vectors import kernel, splat, store

F = np.float32


@kernel
def prepare(p: Any, m: Any) -> Any:
    """Set biases, scales and constants from the parameters, and all gradients to zero."""
    m.grad[:] = F(0)
    m.bias_slope[:] = F(0)
    m.scale_slope[:, :] = F(0)
    m.value_slope[:] = F(0)
    for s in range(len(p.table)):
        t = p.table[s]
        rises = t[RISING] > 0
        for row in range(t[ROW], t[ROW] + t[ROWS] + t[CONSTANTS]):
            b = m.theta[p.bias[row]] if p.bias[row] >= 0 else F(0)
            for k in range(p.first_fixed[row], p.last_fixed[row]):
                b += m.theta[p.fixed_theta[k]] * m.value[p.fixed_row[k]]
            m.bias[row] = b
            for j in range(4):
                m.scale[row, j] = m.theta[p.scale[row, j]] if p.scale[row, j] >= 0 else p.scale_value[row, j]
            if t[RISING] == 1:
                rises = rises and m.scale[row, 0] * m.scale[row, 1] > 0
            else:
                rises = rises and m.scale[row, 1] > 0 and m.scale[row, 3] > 0
            if row >= t[ROW] + t[ROWS]:
                m.value[row] = b
                if t[OPERATOR] >= 0:
                    scale, scratch = m.scale[row], p.scratch[2]
                    store(m.arena, scratch, splat(b))
                    activate(t[OPERATOR], m.arena, scratch, scratch, 1, scale[0], scale[1], scale[2], scale[3])
                    m.value[row] = m.arena[scratch]
        m.fused[s] = 1 if rises else 0


@kernel
def distribute(p: Any, m: Any) -> Any:
    """Hand what biases and scales have received on to the parameters, through the constants."""
    for s in range(len(p.table) - 1, -1, -1):
        t = p.table[s]
        for row in range(t[ROW], t[ROW] + t[ROWS] + t[CONSTANTS]):
            received = m.bias_slope[row]
            if row >= t[ROW] + t[ROWS]:
                received = m.value_slope[row]
                if t[OPERATOR] >= 0:
                    scratch = p.scratch[2]
                    store(m.arena, scratch, splat(m.bias[row]))
                    store(m.arena, scratch + 8, splat(F(0)))
                    m.arena[scratch + 8] = received
                    differentiate(t[OPERATOR], m.arena, scratch, scratch + 8, 1, m.scale[row], m.scale_slope[row])
                    received = m.arena[scratch + 8]
            if p.bias[row] >= 0:
                m.grad[p.bias[row]] += received
            for k in range(p.first_fixed[row], p.last_fixed[row]):
                m.grad[p.fixed_theta[k]] += received * m.value[p.fixed_row[k]]
                m.value_slope[p.fixed_row[k]] += received * m.theta[p.fixed_theta[k]]
            for j in range(4):
                if p.scale[row, j] >= 0:
                    m.grad[p.scale[row, j]] += m.scale_slope[row, j]
    for i in range(len(m.grad)):
        m.grad[i] *= m.keep[i]
