"""Cross-entropy of a group of images, and its gradient."""

from typing import Any

import numpy as np

from safs.native.vectors import exponential, kernel, load, logarithm, splat, store, where_greater

F = np.float32


@kernel
def cross_entropy(
    arena: Any, logits: Any, slope: Any, scratch: Any, classes: Any, labels: Any, share: Any, smoothing: Any
) -> Any:
    """The summed cross-entropy of one plane; the gradient of its `share` goes to `slope`.

    Args:
        arena: all buffers.
        logits: where the plane's [classes, 8] logits start.
        slope: where their gradients go.
        scratch: eight floats to work with.
        classes: how many.
        labels: of the images that are there, at most eight; the others get no gradient.
        share: what one image counts, 1 / batch size.
        smoothing: how much of the target is spread over all classes, in [0, 1).
    """
    top = load(arena, logits)
    for c in range(1, classes):
        z = load(arena, logits + 8 * c)
        top = where_greater(z, top, z, top)
    size = splat(F(0))
    mean = splat(F(0))
    for c in range(classes):
        z = load(arena, logits + 8 * c)
        e = exponential(z - top)
        size = size + e
        mean = mean + z
        store(arena, slope + 8 * c, e)
    spread = smoothing / F(classes)
    store(arena, scratch, logarithm(size) + top - spread * mean)
    factor = splat(share) / size
    for c in range(classes):
        store(arena, slope + 8 * c, load(arena, slope + 8 * c) * factor - share * spread)
    loss = 0.0
    for lane in range(8):
        if lane < len(labels):
            y = 8 * labels[lane] + lane
            loss += np.float64(arena[scratch + lane] - (F(1) - smoothing) * arena[logits + y])
            arena[slope + y] -= share * (F(1) - smoothing)
        else:
            for c in range(classes):
                arena[slope + 8 * c + lane] = F(0)
    return loss
