"""The two kernels that Python calls: training on a part of a data set, and the logits of one.

Numba keeps compiled code for the next process by the file that holds the function; `STAMP` makes it notice a change
in any file of this folder as well.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from safs.native.columns import IN, IN_GROUP, IN_PLANE, OUT, OUT_GROUP, OUT_PLANE, OUT_SLOPE, ROWS
from safs.native.constants import distribute, prepare
from safs.native.loss import cross_entropy
from safs.native.optimizers import advance
from safs.native.stages import backward, forward, gather, postponed

F = np.float32
GROUP = 32  # images
STAMP = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()


def _make_train(stamp: str) -> Callable[..., float]:
    @njit(cache=True, error_model="numpy")
    def train(p: Any, m: Any, x: Any, y: Any, order: Any, rates: Any, settings: Any, done: Any) -> Any:
        """Train on the images of these indices; the mean loss.

        Args:
            p: the program.
            m: the memory.
            x: [images, units] float32.
            y: [images] int64.
            order: [count] int64.
            rates: [steps] float64, factor of the learning rate of each step.
            settings: kind of optimizer, batch size, momentum, label smoothing.
            done: steps that the optimizer has made before; -1: leave the parameters as they are.
        """
        assert len(stamp) > 0
        kind, size, momentum, smoothing = settings
        head, tail = p.table[0], p.table[len(p.table) - 1]
        loss = 0.0
        for step in range(len(rates)):
            batch = order[step * size : (step + 1) * size]
            share = F(1) / F(len(batch))
            groups = (len(batch) + GROUP - 1) // GROUP
            prepare(p, m)
            for g in range(groups):
                chosen = batch[g * GROUP : (g + 1) * GROUP]
                gather(x, chosen, m.arena, head[IN] + g * head[IN_GROUP], head[IN_PLANE])
                forward(p, m, g)
                for i in range(4):
                    shift = g * tail[OUT_GROUP] + i * tail[OUT_PLANE]
                    out, slope = tail[OUT] + shift, tail[OUT_SLOPE] + shift
                    labels = y[chosen[8 * i : 8 * i + 8]]
                    loss += cross_entropy(m.arena, out, slope, p.scratch[2], tail[ROWS], labels, share, F(smoothing))
                backward(p, m, g)
            postponed(p, m, groups)
            distribute(p, m)
            if done >= 0:
                advance(
                    kind, done + step + 1, rates[step], momentum, m.theta, m.grad, m.first, m.second, m.rate, m.decay
                )
        return loss / len(order)

    return train  # type: ignore[no-any-return]


def _make_predict(stamp: str) -> Callable[..., None]:
    @njit(cache=True, error_model="numpy")
    def predict(p: Any, m: Any, x: Any, logits: Any) -> Any:
        """Write the logits [images, classes] of images [images, units]."""
        assert len(stamp) > 0
        head, tail = p.table[0], p.table[len(p.table) - 1]
        prepare(p, m)
        for start in range(0, len(x), GROUP):
            chosen = np.arange(start, min(start + GROUP, len(x)))
            gather(x, chosen, m.arena, head[IN], head[IN_PLANE])
            forward(p, m, 0)
            for i in range(len(chosen)):
                base = tail[OUT] + (i // 8) * tail[OUT_PLANE] + i % 8
                for c in range(tail[ROWS]):
                    logits[start + i, c] = m.arena[base + 8 * c]

    return predict  # type: ignore[no-any-return]


train = _make_train(STAMP)
predict = _make_predict(STAMP)
