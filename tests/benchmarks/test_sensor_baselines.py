"""The baseline beside the networks on sensors, on windows whose answer is known."""

import numpy as np
import pytest
import torch

from benchmarks.sensors import SPARSITIES, VARIANTS, best_threshold, forest, rows_of
from safs.data.tensors import Batchable


def windows(seed: int, count: int = 120) -> Batchable:
    """Windows of noise; every third is an alarm, whose values are far off."""
    random = np.random.default_rng(seed)
    y = np.arange(count) % 3 == 0
    x = random.normal(size=(count, 2, 8)) + 8 * y[:, None, None]
    return Batchable(torch.tensor(x, dtype=torch.float32), torch.tensor(y.astype(np.int64)))


@pytest.mark.parametrize("normal", [0, 1])
def test_the_forest_finds_alarms_that_anyone_would(normal: int):
    parts = [windows(seed) for seed in range(3)]
    if normal:
        parts = [Batchable(part.x, 1 - part.y) for part in parts]
    measured = forest(*parts, normal, 0)
    assert measured["f1"] > 0.95
    assert measured["average_precision"] > 0.99


def test_the_threshold_is_that_of_the_best_f1():
    score, truth = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert 0.1 < best_threshold(score, truth) < 0.35


def test_the_dense_network_has_one_row_and_each_sparsity_its_own():
    alarms = {name: {} for name in VARIANTS}
    entry = {"alarms": alarms, "dense_bytes": 9, "sparse_bytes": 1}
    rows = rows_of([{**entry, "sparsity": sparsity} for sparsity in SPARSITIES])
    assert len(rows) == 1 + len(SPARSITIES) * (len(VARIANTS) - 1)
    assert rows[0] == {"name": "dense sensor_cnn", "bytes": 9, "alarms": {}}
    assert rows[-1]["name"] == "95% SAFS"
