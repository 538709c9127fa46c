"""Training on a GPU gives what the CPU gives, to rounding, and the same every time."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from safs.data.tensors import Batchable
from safs.pruning.masks import masks_of, prunable_weights
from safs.training.engine import make_engine
from safs.training.settings import Compute, Hyperparameters
from safs.training.trainer import train
from tests.training.gpu_runs import CPU, GPU, PLAIN, RICH, by_kind, by_optimizer, needs_gpu, network, run, same

pytestmark = needs_gpu


@pytest.fixture(autouse=True)
def without_tf32() -> Iterator[None]:
    """Convolutions of a GPU in float32 proper, as on the CPU."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


@by_kind
@by_optimizer
def test_a_gpu_gives_what_the_cpu_gives(sparse_folder: Path, training, validation, kind: str, settings):
    (score, state, losses), (wanted, weights, expected) = (
        run(network(sparse_folder, kind), training, validation, settings, compute) for compute in (GPU, CPU)
    )
    assert losses == pytest.approx(expected, rel=1e-3)
    assert score.accuracy == pytest.approx(wanted.accuracy, abs=0.02)
    assert score.negative_loss == pytest.approx(wanted.negative_loss, rel=2e-3)
    for name, value in weights.items():
        assert state[name].device.type == "cpu"
        torch.testing.assert_close(state[name], value, rtol=1e-2, atol=1e-3, msg=name)


@by_kind
@by_optimizer
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_zeros_stay_zero_and_the_rest_is_trained(sparse_folder: Path, training, kind: str, settings, precision: str):
    model = network(sparse_folder, kind)
    masks, before = masks_of(model), copy.deepcopy(model.state_dict())
    engine = make_engine(model, training, settings, masks, Compute("torch", "cuda", precision))
    for seed in range(2):
        engine.epoch(torch.randperm(200, generator=torch.Generator().manual_seed(seed)), [1.0] * 4)
        for name, weight in prunable_weights(model).items():
            assert weight.is_cuda
            assert not weight[~masks[name].cuda()].any(), name
    engine.close()
    assert all(not torch.equal(before[name], weight) for name, weight in prunable_weights(model).items())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["lenet5", "normed", "resnet18"])
def test_the_same_seed_gives_the_same_weights(sparse_folder: Path, training, validation, kind: str, precision: str):
    results = []
    settings = replace(RICH, augment="crop-flip")
    for _ in range(2):
        torch.manual_seed(len(results))  # the global generators have no say
        before = torch.cuda.get_rng_state()
        compute = Compute("torch", "cuda", precision)
        results.append(run(network(sparse_folder, kind), training, validation, settings, compute))
        assert torch.equal(torch.cuda.get_rng_state(), before)
    assert results[0][0] == results[1][0]
    assert results[0][2] == results[1][2]
    assert same(results[0][1], results[1][1])


def test_half_precision_and_tf32_learn_as_well(sparse_folder: Path, training, validation):
    torch.backends.cudnn.allow_tf32 = True
    settings = Hyperparameters(learning_rate=5e-3, batch_size=20)
    results = []
    for compute in (CPU, GPU, Compute("torch", "cuda", "bfloat16")):
        model = network(sparse_folder, "lenet5")
        results.append(train(model, training, validation, settings, 8, 0, masks_of(model), compute=compute))
        assert all(value.dtype == torch.float32 for value in model.state_dict().values())
    assert min(score.accuracy for score in results) > 0.5
    assert max(score.accuracy for score in results) - min(score.accuracy for score in results) < 0.15


def test_a_compiled_network_trains_as_a_plain_one(sparse_folder: Path, training, validation):
    compiled = Compute("torch", "cuda", compile=True)
    small = Batchable(training.x[:180], training.y[:180])  # the last batch is smaller
    (score, _, losses), (wanted, _, expected) = (
        run(network(sparse_folder, "lenet5"), small, validation, PLAIN, compute) for compute in (compiled, GPU)
    )
    assert losses == pytest.approx(expected, rel=1e-3)
    assert score.accuracy == pytest.approx(wanted.accuracy, abs=0.02)
