"""What each activation costs on this machine: `python -m safs.runtime.prices > prices.json`, which needs no torch.

The search takes the file as `--prices`, so that it weighs accuracy against what the *serving* machine needs.
"""

import json
import time
from collections.abc import Iterable

import numpy as np

from safs.errors import unknown
from safs.runtime.model import Model
from safs.runtime.network import Network, Node, Sparse
from safs.runtime.rules import SCALES

CHANNELS, SIDE = 64, 32  # 65,536 numbers: they fit a core's second cache
REPEATS = 40


def operator_prices(operators: Iterable[str] = tuple(SCALES)) -> dict[str, float]:
    """Nanoseconds a number that each operator takes in the runtime, on one core: the quickest of several runs.

    The operators run at the end of a convolution with one weight an output, as they do in a sparse network; loading that
    input and storing the output is in the price, so that free operators have one too.

    Args:
        operators: names of operators.

    Raises:
        SafsError: an operator is unknown.
    """
    names = list(dict.fromkeys(operators))
    models = {name: Model(_network(name)) for name in names}
    x = np.random.default_rng(0).standard_normal((1, CHANNELS, SIDE, SIDE)).astype(np.float32)
    best = dict.fromkeys(models, float("inf"))
    for _ in range(REPEATS):  # in turn, so that all of them meet the same load
        for name, model in models.items():
            start = time.perf_counter()
            model.predict(x)
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: best[name] / x.size * 1e9 for name in names}


def _network(operator: str) -> Network:
    """A convolution with one weight a channel, the operator, and a mean over the image."""
    if operator not in SCALES:
        raise unknown("activation operator", operator, SCALES)
    eye = np.eye(CHANNELS, dtype=np.float32).reshape(CHANNELS, CHANNELS, 1, 1)
    window = {"stride": [1, 1], "padding": [0, 0, 0, 0], "dilation": [1, 1], "groups": [1]}
    scales = {name: np.ones(1, np.float32) for name in SCALES[operator]}
    nodes = (
        Node("input"),
        Node("conv", (0,), "conv", window, {"weight": Sparse.of(eye)}, {"bias": np.zeros(CHANNELS, np.float32)}),
        Node("activation", (1,), "activation", {"operator": operator}, {}, scales),
        Node("adaptive_avg", (2,), "mean", {"output": [1, 1]}),
    )
    classes = tuple(str(i) for i in range(CHANNELS))
    return Network(nodes, (CHANNELS, SIDE, SIDE), classes, (0.0,) * CHANNELS, (1.0,) * CHANNELS)


if __name__ == "__main__":
    print(json.dumps(operator_prices(), indent=2))
