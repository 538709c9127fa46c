"""The baseline beside the networks on sensors, on windows whose answer is known."""

import numpy as np
import pytest
import torch

from benchmarks.sensors import SPARSITIES, VARIANTS, Parts, alarms_of, best_threshold, forest, margin, rows_of
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
    measured = forest(Parts(*parts, normal), 0)
    assert measured["f1"] > 0.95
    assert measured["average_precision"] > 0.99


def test_the_threshold_is_that_of_the_best_f1():
    score, truth = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert 0.1 < best_threshold(score, truth) < 0.35


def test_a_network_that_cries_wolf_has_its_threshold_from_validation():
    parts = Parts(*(windows(seed) for seed in range(3)), normal=0)
    shift = torch.tensor([0.0, 1000.0])  # an alarm is always likelier
    known, found = (
        margin(part.x.mean((1, 2))[:, None] * torch.tensor([-1.0, 1.0]) + shift, 0)
        for part in (parts.validation, parts.test)
    )
    assert (found > 0).all()
    measured = alarms_of(known, found, parts)
    assert measured["f1"] > 0.95
    assert measured["average_precision"] > 0.99


def test_the_dense_network_has_one_row_and_each_sparsity_its_own():
    alarms = {name: {"f1": name} for name in VARIANTS}
    entry = {"alarms": alarms, "dense_bytes": 9, "sparse_bytes": 1}
    rows = rows_of([{**entry, "sparsity": sparsity} for sparsity in SPARSITIES], [alarms] * len(SPARSITIES))
    assert len(rows) == 1 + len(SPARSITIES) * (len(VARIANTS) - 1)
    assert rows[0] == {
        "name": "dense sensor_cnn",
        "bytes": 9,
        "alarms": {"f1": "dense"},
        "likelier_class": {"f1": "dense"},
    }
    assert rows[-1]["name"] == "95% SAFS"
