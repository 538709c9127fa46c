"""Layers with few weights: every weight that is left is visited, no other."""

from typing import Any

import numpy as np

from safs.native.vectors import keep_rolled, kernel, load, number_at, splat, spread_at, store, total

F = np.float32


@kernel
def sums(
    arena: Any, source: Any, target: Any, steps: Any, gaps: Any, places: Any, row: Any, theta: Any, entry: Any
) -> Any:
    """Sum one output's inputs at every position, four vectors at a time.

    Args:
        arena: all buffers.
        source: where the input plane starts.
        target: where the first of the four sums of the first position goes.
        steps: distances of the four vectors read.
        gaps: distance of the four vectors written, and of two positions.
        places: offsets of the positions in the input plane.
        row: first and last weight of the output, and its bias.
        theta: the parameters.
        entry: for every weight its place in theta and its offset in the input plane.
    """
    first, last, bias = row
    step1, step2, step3 = steps
    gap, stride = gaps
    e_theta, e_offset = entry
    start = splat(bias)
    for q in range(len(places)):
        base = source + places[q]
        z0, z1, z2, z3 = start, start, start, start
        for k in range(first, last):
            keep_rolled()
            w = spread_at(theta, number_at(e_theta, k))
            x = base + number_at(e_offset, k)
            z0 = z0 + w * load(arena, x)
            z1 = z1 + w * load(arena, x + step1)
            z2 = z2 + w * load(arena, x + step2)
            z3 = z3 + w * load(arena, x + step3)
        t = target + stride * q
        store(arena, t, z0)
        store(arena, t + gap, z1)
        store(arena, t + 2 * gap, z2)
        store(arena, t + 3 * gap, z3)


@kernel
def gradients(
    arena: Any,
    source: Any,
    into: Any,
    slope: Any,
    steps: Any,
    gaps: Any,
    places: Any,
    row: Any,
    theta: Any,
    grad: Any,
    entry: Any,
) -> Any:
    """Gradients of one output's weights, and of its inputs where `into` is not negative; arguments as in `sums`.

    `slope` is where the gradients of the sums lie, `into` where the input plane's gradients go.
    """
    first, last = row
    step1, step2, step3 = steps
    gap, stride = gaps
    e_theta, e_offset = entry
    for k in range(first, last):
        w, offset = splat(theta[e_theta[k]]), e_offset[k]
        a0, a1, a2, a3 = splat(F(0)), splat(F(0)), splat(F(0)), splat(F(0))
        for q in range(len(places)):
            s = slope + stride * q
            d0, d1, d2, d3 = load(arena, s), load(arena, s + gap), load(arena, s + 2 * gap), load(arena, s + 3 * gap)
            x = source + number_at(places, q) + offset
            a0 = a0 + d0 * load(arena, x)
            a1 = a1 + d1 * load(arena, x + step1)
            a2 = a2 + d2 * load(arena, x + step2)
            a3 = a3 + d3 * load(arena, x + step3)
            if into >= 0:
                g = into + number_at(places, q) + offset
                store(arena, g, load(arena, g) + w * d0)
                store(arena, g + step1, load(arena, g + step1) + w * d1)
                store(arena, g + step2, load(arena, g + step2) + w * d2)
                store(arena, g + step3, load(arena, g + step3) + w * d3)
        grad[e_theta[k]] += total((a0 + a1) + (a2 + a3))
