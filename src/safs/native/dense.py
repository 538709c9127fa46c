"""Layers with all their weights: tiles of eight sums stay in registers.

Outputs go in pairs and inputs in pairs or fours; a pair that is not whole repeats its last member and the repeated
result is written over an equal one (sums) or left out (gradients).
"""

from typing import Any

import numpy as np

from safs.native.vectors import keep_rolled, kernel, load, number_at, splat, spread_at, store, total

F = np.float32


@kernel
def sums(
    arena: Any,
    source: Any,
    target: Any,
    steps: Any,
    gaps: Any,
    places: Any,
    reach: Any,
    shape: Any,
    theta: Any,
    bias: Any,
) -> Any:
    """Sum all outputs' inputs at every position: two outputs by four vectors at a time.

    Args:
        arena: all buffers.
        source: where the input plane starts.
        target: where the first sum goes.
        steps: distances of the four vectors read.
        gaps: distances of the four vectors written, of two positions, and of two outputs.
        places: offsets of the positions in the input plane.
        reach: offsets of an output's inputs from its position.
        shape: place of the first weight in theta, distance of two outputs' weights.
        theta: the parameters.
        bias: of every output.
    """
    step1, step2, step3 = steps
    gap, stride, block = gaps
    weight, pitch = shape
    rows, inputs = len(bias), len(reach)
    for q in range(len(places)):
        base = source + places[q]
        for o in range(0, rows, 2):
            p = min(o + 1, rows - 1)
            w, v = weight + o * pitch, weight + p * pitch
            a0 = splat(bias[o])
            b0 = splat(bias[p])
            a1, a2, a3 = a0, a0, a0
            b1, b2, b3 = b0, b0, b0
            for k in range(inputs):
                keep_rolled()
                x = base + number_at(reach, k)
                wa, wb = spread_at(theta, w + k), spread_at(theta, v + k)
                x0, x1 = load(arena, x), load(arena, x + step1)
                x2, x3 = load(arena, x + step2), load(arena, x + step3)
                a0 = a0 + wa * x0
                a1 = a1 + wa * x1
                a2 = a2 + wa * x2
                a3 = a3 + wa * x3
                b0 = b0 + wb * x0
                b1 = b1 + wb * x1
                b2 = b2 + wb * x2
                b3 = b3 + wb * x3
            t = target + o * block + stride * q
            store(arena, t, a0)
            store(arena, t + gap, a1)
            store(arena, t + 2 * gap, a2)
            store(arena, t + 3 * gap, a3)
            t = target + p * block + stride * q
            store(arena, t, b0)
            store(arena, t + gap, b1)
            store(arena, t + 2 * gap, b2)
            store(arena, t + 3 * gap, b3)


@kernel
def input_gradients(
    arena: Any, into: Any, slope: Any, steps: Any, gaps: Any, places: Any, reach: Any, shape: Any, theta: Any, rows: Any
) -> Any:
    """Add the gradients of a plane's inputs at `into`: two inputs by four vectors at a time; arguments as in `sums`."""
    step1, step2, step3 = steps
    gap, stride, block = gaps
    weight, pitch = shape
    inputs = len(reach)
    zero = splat(F(0))
    for q in range(len(places)):
        base = into + places[q]
        for k in range(0, inputs, 2):
            m = min(k + 1, inputs - 1)
            a0, a1, a2, a3, b0, b1, b2, b3 = zero, zero, zero, zero, zero, zero, zero, zero
            for o in range(rows):
                s = slope + o * block + stride * q
                keep_rolled()
                wa = spread_at(theta, weight + o * pitch + k)
                wb = spread_at(theta, weight + o * pitch + m)
                d0, d1 = load(arena, s), load(arena, s + gap)
                d2, d3 = load(arena, s + 2 * gap), load(arena, s + 3 * gap)
                a0 = a0 + wa * d0
                a1 = a1 + wa * d1
                a2 = a2 + wa * d2
                a3 = a3 + wa * d3
                b0 = b0 + wb * d0
                b1 = b1 + wb * d1
                b2 = b2 + wb * d2
                b3 = b3 + wb * d3
            x = base + reach[k]
            store(arena, x, load(arena, x) + a0)
            store(arena, x + step1, load(arena, x + step1) + a1)
            store(arena, x + step2, load(arena, x + step2) + a2)
            store(arena, x + step3, load(arena, x + step3) + a3)
            if m != k:
                x = base + reach[m]
                store(arena, x, load(arena, x) + b0)
                store(arena, x + step1, load(arena, x + step1) + b1)
                store(arena, x + step2, load(arena, x + step2) + b2)
                store(arena, x + step3, load(arena, x + step3) + b3)


@kernel
def weight_gradients(
    arena: Any,
    source: Any,
    slope: Any,
    reads: Any,
    slopes: Any,
    block: Any,
    reach: Any,
    shape: Any,
    grad: Any,
    rows: Any,
) -> Any:
    """Add the gradients of all weights: two outputs by four inputs at a time.

    Args:
        arena: all buffers.
        source: where the input plane starts.
        slope: where the gradients of the sums lie.
        reads: offsets from `source` of everything that the weights were multiplied with.
        slopes: offsets from `slope` of the gradient that belongs to each of `reads`.
        block: distance of two outputs' gradients.
        reach: offsets of an output's inputs.
        shape: place of the first weight, distance of two outputs' weights.
        grad: gradients of the parameters.
        rows: how many outputs.
    """
    weight, pitch = shape
    inputs = len(reach)
    zero = splat(F(0))
    for k in range(0, inputs, 4):
        last = inputs - 1
        k1, k2, k3 = min(k + 1, last), min(k + 2, last), min(k + 3, last)
        r0, r1, r2, r3 = source + reach[k], source + reach[k1], source + reach[k2], source + reach[k3]
        for o in range(0, rows, 2):
            p = min(o + 1, rows - 1)
            sa, sb = slope + o * block, slope + p * block
            a0, a1, a2, a3, b0, b1, b2, b3 = zero, zero, zero, zero, zero, zero, zero, zero
            for i in range(len(reads)):
                keep_rolled()
                x, s = number_at(reads, i), number_at(slopes, i)
                da, db = load(arena, sa + s), load(arena, sb + s)
                x0, x1, x2, x3 = load(arena, r0 + x), load(arena, r1 + x), load(arena, r2 + x), load(arena, r3 + x)
                a0 = a0 + da * x0
                a1 = a1 + da * x1
                a2 = a2 + da * x2
                a3 = a3 + da * x3
                b0 = b0 + db * x0
                b1 = b1 + db * x1
                b2 = b2 + db * x2
                b3 = b3 + db * x3
            w, v = weight + o * pitch, weight + p * pitch
            grad[w + k] += total(a0)
            if k1 > k:
                grad[w + k1] += total(a1)
            if k2 > k1:
                grad[w + k2] += total(a2)
            if k3 > k2:
                grad[w + k3] += total(a3)
            if p > o:
                grad[v + k] += total(b0)
                if k1 > k:
                    grad[v + k1] += total(b1)
                if k2 > k1:
                    grad[v + k2] += total(b2)
                if k3 > k2:
                    grad[v + k3] += total(b3)
