"""Forward and backward of a group of four planes, 32 images, through all stages."""

from typing import Any

import numpy as np

from safs.native import dense, sparse
from safs.native.columns import (
    AFTER_POOL,
    DENSE,
    IN,
    IN_GROUP,
    IN_PLANE,
    IN_SIZE,
    IN_SLOPE,
    INPUTS,
    OPERATOR,
    OUT,
    OUT_GROUP,
    OUT_PLANE,
    OUT_SLOPE,
    PER_CHANNEL,
    PITCH,
    PLACE,
    PLACES,
    POOLED,
    REACH,
    READ,
    ROW,
    ROWS,
    STEP1,
    STEP2,
    STEP3,
    SUM,
    SUM_PLANE,
    WEIGHT,
    WINNER,
)
from safs.native.operators import activate, differentiate
from safs.native.pooling import largest, unpool
from safs.native.vectors import kernel, load, splat, total

F = np.float32


@kernel
def gather(x: Any, chosen: Any, arena: Any, target: Any, plane: Any) -> Any:
    """Lay images [count, units] side by side: up to 32 of them as four planes of [units, 8]; the rest is zero."""
    units = x.shape[1]
    for p in range(4):
        base = target + p * plane
        there = min(max(len(chosen) - 8 * p, 0), 8)
        if there < 8:
            arena[base : base + 8 * units] = F(0)
        for block in range(0, units, 16):
            end = min(block + 16, units)
            for lane in range(there):
                image = chosen[8 * p + lane]
                for u in range(block, end):
                    arena[base + 8 * u + lane] = x[image, u]


@kernel
def activate_rows(t: Any, m: Any, source: Any, target: Any, count: Any) -> Any:
    """Apply a stage's operator to `count` vectors of every row."""
    rows, row, merged = t[ROWS], t[ROW], 1
    if not t[PER_CHANNEL]:
        rows, merged = min(rows, 1), rows
    for r in range(rows):
        s = m.scale[row + r]
        at = 8 * r * count
        activate(t[OPERATOR], m.arena, source + at, target + at, count * merged, s[0], s[1], s[2], s[3])


@kernel
def sum_plane(p: Any, m: Any, t: Any, source: Any, target: Any, gap: Any, stride: Any) -> Any:
    """All sums of a stage, from the plane at `source` on."""
    steps, places = (t[STEP1], t[STEP2], t[STEP3]), p.places[t[PLACE] : t[PLACE] + t[PLACES]]
    block = stride * t[PLACES]
    if t[DENSE]:
        bias, reach = m.bias[t[ROW] : t[ROW] + t[ROWS]], p.reach[t[REACH] : t[REACH] + t[INPUTS]]
        shape, gaps = (t[WEIGHT], t[PITCH]), (gap, stride, block)
        dense.sums(m.arena, source, target, steps, gaps, places, reach, shape, m.theta, bias)
        return
    for r in range(t[ROWS]):
        row = t[ROW] + r
        limits = (p.first[row], p.last[row], m.bias[row])
        entry = (p.entry_theta, p.entry_offset)
        sparse.sums(m.arena, source, target + r * block, steps, (gap, stride), places, limits, m.theta, entry)


@kernel
def forward(p: Any, m: Any, group: Any) -> Any:
    """From the gathered images of a group to its logits."""
    for s in range(len(p.table)):
        t = p.table[s]
        source, target = t[IN] + group * t[IN_GROUP], t[OUT] + group * t[OUT_GROUP]
        kept, windows = t[SUM], t[ROWS] * t[PLACES]
        early = t[AFTER_POOL] or m.fused[s] or t[OPERATOR] < 0
        if t[POOLED]:
            sums, values = p.scratch[0], p.scratch[1]
            for i in range(4):
                out, k = target + i * t[OUT_PLANE], kept + i * t[SUM_PLANE]
                winner = k + t[WINNER] - kept
                sum_plane(p, m, t, source + i * t[IN_PLANE], sums, 8, 32)
                if early:
                    largest(m.arena, sums, sums, -1, k, winner, windows)
                else:
                    activate_rows(t, m, sums, values, 4 * t[PLACES])
                    largest(m.arena, values, sums, out, k, winner, windows)
        elif t[OPERATOR] < 0:
            sum_plane(p, m, t, source, target, t[OUT_PLANE], 8)
        else:
            sum_plane(p, m, t, source, kept, t[SUM_PLANE], 8)
        if t[OPERATOR] >= 0 and (early or not t[POOLED]):
            for i in range(4):
                activate_rows(t, m, kept + i * t[SUM_PLANE], target + i * t[OUT_PLANE], t[PLACES])


@kernel
def backward(p: Any, m: Any, group: Any) -> Any:
    """From the gradients of a group's logits to those of all parameters but what `postponed` adds."""
    for s in range(len(p.table) - 1, -1, -1):
        t = p.table[s]
        slope, block = t[OUT_SLOPE] + group * t[OUT_GROUP], 8 * t[PLACES]
        for i in range(4):
            at, kept = slope + i * t[OUT_PLANE], t[SUM] + i * t[SUM_PLANE]
            if t[OPERATOR] >= 0 and t[PER_CHANNEL]:
                for r in range(t[ROWS]):
                    row = t[ROW] + r
                    shift = r * block
                    differentiate(
                        t[OPERATOR], m.arena, kept + shift, at + shift, t[PLACES], m.scale[row], m.scale_slope[row]
                    )
            elif t[OPERATOR] >= 0 and t[ROWS] > 0:
                count = t[ROWS] * t[PLACES]
                differentiate(t[OPERATOR], m.arena, kept, at, count, m.scale[t[ROW]], m.scale_slope[t[ROW]])
            for r in range(t[ROWS]):
                received = splat(F(0))
                for q in range(t[PLACES]):
                    received = received + load(m.arena, at + r * block + 8 * q)
                m.bias_slope[t[ROW] + r] += total(received)
        source = t[IN] + group * t[IN_GROUP]
        into = t[IN_SLOPE] + group * t[IN_GROUP] if t[IN_SLOPE] >= 0 else np.int64(-1)
        if into >= 0:
            for i in range(4):
                m.arena[into + i * t[IN_PLANE] : into + i * t[IN_PLANE] + t[IN_SIZE]] = F(0)
        if t[POOLED]:
            for i in range(4):
                sums = p.scratch[0]
                winner = t[WINNER] + i * t[SUM_PLANE]
                unpool(m.arena, slope + i * t[OUT_PLANE], winner, sums, t[ROWS] * t[PLACES])
                below = into + i * t[IN_PLANE] if into >= 0 else into
                gradients(p, m, t, source + i * t[IN_PLANE], below, sums, 8, 32)
        else:
            gradients(p, m, t, source, into, slope, t[OUT_PLANE], 8)


@kernel
def gradients(p: Any, m: Any, t: Any, source: Any, into: Any, slope: Any, gap: Any, stride: Any) -> Any:
    """Gradients of a stage's weights and inputs from those of its sums."""
    steps, places = (t[STEP1], t[STEP2], t[STEP3]), p.places[t[PLACE] : t[PLACE] + t[PLACES]]
    block = stride * t[PLACES]
    if t[DENSE]:
        reach = p.reach[t[REACH] : t[REACH] + t[INPUTS]]
        shape, gaps = (t[WEIGHT], t[PITCH]), (gap, stride, block)
        if into >= 0:
            dense.input_gradients(m.arena, into, slope, steps, gaps, places, reach, shape, m.theta, t[ROWS])
        if t[POOLED]:
            span = 4 * t[PLACES]
            reads, slopes = p.reads[t[READ] : t[READ] + span], p.slopes[t[READ] : t[READ] + span]
            dense.weight_gradients(m.arena, source, slope, reads, slopes, block, reach, shape, m.grad, t[ROWS])
        return
    for r in range(t[ROWS]):
        row = t[ROW] + r
        limits = (p.first[row], p.last[row])
        entry = (p.entry_theta, p.entry_offset)
        sparse.gradients(
            m.arena, source, into, slope + r * block, steps, (gap, stride), places, limits, m.theta, m.grad, entry
        )


@kernel
def postponed(p: Any, m: Any, groups: Any) -> Any:
    """Weight gradients of dense stages without pooling, from all groups of a batch in one go."""
    for s in range(len(p.table)):
        t = p.table[s]
        if t[DENSE] and not t[POOLED]:
            span = 4 * t[PLACES] * groups
            reads, slopes = p.reads[t[READ] : t[READ] + span], p.slopes[t[READ] : t[READ] + span]
            reach, shape = p.reach[t[REACH] : t[REACH] + t[INPUTS]], (t[WEIGHT], t[PITCH])
            block = 8 * t[PLACES]
            dense.weight_gradients(m.arena, t[IN], t[OUT_SLOPE], reads, slopes, block, reach, shape, m.grad, t[ROWS])
