"""A training on a GPU can be killed and taken elsewhere, and nothing waits inside an epoch."""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from safs.activations import OPERATORS, activation_sites, set_activations
from safs.data.tensors import Batchable
from safs.errors import SafsError
from safs.models import load_model
from safs.pruning.masks import masks_of
from safs.training.checkpoint import load_checkpoint, training_key
from safs.training.engine import make_engine
from safs.training.native_engine import NativeEngine
from safs.training.settings import Compute
from safs.training.torch_engine import TorchEngine
from tests.chain import KilledError
from tests.training.gpu_runs import CPU, GPU, PLAIN, RICH, by_kind, by_optimizer, needs_gpu, network, run, same

pytestmark = needs_gpu


@contextmanager
def waits() -> Iterator[list[str]]:
    """What made the CPU wait for the GPU."""
    found: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield found
        finally:
            torch.cuda.set_sync_debug_mode("default")
    found += [str(one.message) for one in caught if "synchronizing" in str(one.message)]


@by_kind
@pytest.mark.parametrize("settings", [PLAIN, RICH], ids=["adam", "sgd"])
def test_a_killed_training_goes_on(sparse_folder: Path, training, validation, tmp_path: Path, kind: str, settings):
    finished = run(network(sparse_folder, kind), training, validation, settings, GPU)
    path = tmp_path / "c"
    with pytest.raises(KilledError):
        run(network(sparse_folder, kind), training, validation, settings, GPU, checkpoint=path, stop=2)
    again = run(network(sparse_folder, kind), training, validation, settings, GPU, checkpoint=path)
    assert again[0] == finished[0]
    assert again[2] == finished[2]
    assert same(again[1], finished[1])


@by_optimizer
def test_a_checkpoint_of_a_gpu_goes_on_on_the_cpu(sparse_folder: Path, training, validation, tmp_path: Path, settings):
    path, model = tmp_path / "c", network(sparse_folder, "normed")
    masks = masks_of(model)
    key = training_key(model, settings, 3, 0, masks, GPU)
    with pytest.raises(KilledError):
        run(copy.deepcopy(model), training, validation, settings, GPU, checkpoint=path, stop=2)
    saved = load_checkpoint(path, key)
    assert saved is not None
    assert all(not value.is_cuda for value in (*saved.model.values(), *saved.best.values(), *saved.engine.values()))
    losses = []
    for compute in (CPU, GPU):
        model.load_state_dict(saved.model)
        engine = make_engine(model, training, settings, masks, compute)
        engine.restore(saved.engine)
        losses.append([engine.epoch(torch.arange(200), [1.0] * 4) for _ in range(2)])
        engine.close()
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.parametrize("scales", ["fixed", "layer", "channel"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_nothing_waits_for_the_gpu_inside_an_epoch(sparse_folder: Path, training, operator: str, scales: str):
    model, _ = load_model(sparse_folder)
    set_activations(model, dict.fromkeys(activation_sites(model), operator), scales)
    settings = replace(RICH, batch_size=10, augment="crop-flip")
    engine = TorchEngine(model, training, settings, masks_of(model), GPU)
    assert engine.training.x.device.type == engine.training.y.device.type == "cuda"
    counts = []
    for batches in (2, 12, 2, 12):  # what is set up once may wait
        with waits() as found:
            engine.epoch(torch.arange(10 * batches), [0.1] * batches)
        counts.append(len(found))
    assert counts[2:] == [2, 2], found  # for the order to go there, and for the loss to come back


def test_data_that_do_not_fit_are_a_safs_error(sparse_folder: Path):
    endless = Batchable(torch.zeros(1, 1, 1, 1).expand(2**32, 1, 28, 28), torch.zeros(1).long().expand(2**32))
    with pytest.raises(SafsError, match="GPU's memory is too small for inputs"):
        make_engine(network(sparse_folder, "lenet5"), endless, PLAIN, None, GPU)


def test_who_asks_for_the_kernels_means_the_cpu(sparse_folder: Path, training):
    model, _ = load_model(sparse_folder)
    assert isinstance(make_engine(model, training, PLAIN, masks_of(model), Compute("native")), NativeEngine)
    assert isinstance(make_engine(model, training, PLAIN, masks_of(model)), TorchEngine)
    with pytest.raises(SafsError, match="the device is a GPU"):
        make_engine(model, training, PLAIN, masks_of(model), Compute("native", "cuda"))
