"""One step of an optimizer on the weights that are left, by the rules of `torch.optim`."""

from typing import Any

import numpy as np

from safs.native.vectors import kernel

ADAM, ADAMW, SGD = range(3)
OPTIMIZERS = {"adam": ADAM, "adamw": ADAMW, "sgd": SGD}
F = np.float32
BETA1, BETA2, EPSILON = 0.9, 0.999, F(1e-8)


@kernel
def advance(
    kind: Any,
    step: Any,
    factor: Any,
    momentum: Any,
    theta: Any,
    grad: Any,
    first: Any,
    second: Any,
    rate: Any,
    decay: Any,
) -> Any:
    """Update `theta` in place.

    Args:
        kind: `ADAM`, `ADAMW` or `SGD`.
        step: number of this step, from 1.
        factor: of the learning rates.
        momentum: of sgd.
        theta: the parameters.
        grad: their gradients.
        first: running mean of the gradients, or sgd's momentum.
        second: running mean of their squares.
        rate: learning rate of each parameter.
        decay: weight decay of each parameter.
    """
    f = F(factor)
    if kind == SGD:
        mu = F(momentum)
        for i in range(len(theta)):
            g = grad[i] + decay[i] * theta[i]
            first[i] = mu * first[i] + g
            theta[i] -= f * rate[i] * first[i]
        return
    correct1 = F(1 / (1 - BETA1**step))
    correct2 = F(1 / np.sqrt(1 - BETA2**step))
    b1, b2, c1, c2 = F(BETA1), F(BETA2), F(1 - BETA1), F(1 - BETA2)
    coupled = F(1) if kind == ADAM else F(0)
    for i in range(len(theta)):
        r, t = f * rate[i], theta[i]
        g = grad[i] + coupled * decay[i] * t
        t *= F(1) - (F(1) - coupled) * r * decay[i]
        m = b1 * first[i] + c1 * g
        v = b2 * second[i] + c2 * g * g
        first[i], second[i] = m, v
        theta[i] = t - r * correct1 * m / (np.sqrt(v) * correct2 + EPSILON)
