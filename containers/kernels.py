"""Compiles the kernels into the caches, or takes them from there, and says which; those for training where torch is."""

import importlib.util
import sys

import numpy as np

from safs.runtime import Model
from safs.runtime.network import Network, Node, Sparse


def predict() -> None:
    """Run the smallest network there is; Numba is imported only to compile."""
    settings = {"groups": [1], "stride": [1, 1], "dilation": [1, 1], "padding": [0, 0, 0, 0]}
    weights = {"weight": Sparse.of(np.ones((2, 1, 1, 1)))}
    nodes = (Node("input"), Node("conv", (0,), "only", settings, weights, {"bias": np.zeros(2, np.float32)}))
    Model(Network(nodes, (1, 1, 1), ("a", "b"), (0.0,), (1.0,))).predict(np.ones((1, 1, 1, 1)))
    print(
        f"runtime: {0 if 'numba' in sys.modules else 1} from the cache, {1 if 'numba' in sys.modules else 0} compiled"
    )


def train() -> None:
    """Train a small network on a batch."""
    import torch

    from safs.data.tensors import Batchable
    from safs.models.lenet import LeNet5
    from safs.native.kernels import predict, train
    from safs.training.native_engine import NativeEngine
    from safs.training.settings import Hyperparameters

    images = Batchable(torch.rand(8, 1, 20, 20), torch.zeros(8, dtype=torch.int64))
    engine = NativeEngine(LeNet5((1, 20, 20), 2), images, Hyperparameters())
    engine.epoch(torch.arange(8), [1.0])
    engine.measure(images)
    for kernel in (train, predict):
        hits, misses = kernel.stats.cache_hits, kernel.stats.cache_misses
        print(f"{kernel.__name__}: {sum(hits.values())} from the cache, {sum(misses.values())} compiled")


predict()
if importlib.util.find_spec("torch"):
    train()
