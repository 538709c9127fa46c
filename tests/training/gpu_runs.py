"""Networks and trainings of the tests that need a GPU."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from safs.activations import activation_sites, set_activations
from safs.data.tensors import Batchable
from safs.models import load_model
from safs.models.resnet import ResNet18
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks, masks_of
from safs.training.settings import Compute, Hyperparameters
from safs.training.trainer import Score, train
from tests.chain import KilledError

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
CPU, GPU = Compute("torch", "cpu"), Compute("torch", "cuda")
PLAIN = Hyperparameters("adam", 2e-3, batch_size=50)
RICH = replace(PLAIN, optimizer="sgd", schedule="cosine", warmup=0.2, label_smoothing=0.1, clip_norm=1.0)
SETTINGS = {"adam": PLAIN, "adamw": replace(PLAIN, optimizer="adamw"), "sgd": RICH}
by_optimizer = pytest.mark.parametrize("settings", SETTINGS.values(), ids=list(SETTINGS))
by_kind = pytest.mark.parametrize("kind", ["lenet5", "normed"])


def network(folder: Path, kind: str) -> nn.Module:
    """LeNet-5 with learnt scales, a small network with batch normalisation, or ResNet-18; 80% of the weights are zero."""
    if kind == "lenet5":
        model, _ = load_model(folder)
        set_activations(model, dict.fromkeys(activation_sites(model), "swish"), "channel")
        return model
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: nn.Module = ResNet18((1, 28, 28), 10)
        first = (nn.Conv2d(1, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        then = (nn.Conv2d(8, 16, 3, bias=False), nn.BatchNorm2d(16), nn.SiLU(), nn.AdaptiveAvgPool2d(4))
        model = nn.Sequential(*first, *then, nn.Flatten(), nn.Linear(256, 10)) if kind == "normed" else model
    apply_masks(model, make_masks(model, 0.8))
    return model


def run(model: nn.Module, training: Batchable, validation: Batchable, settings, compute: Compute, **more):
    """Train for 3 epochs; score, state and the losses."""
    losses: list[float] = []
    stop = more.pop("stop", None)

    def on_epoch(epoch: int, loss: float, _: Score) -> None:
        losses.append(loss)
        if epoch == stop:
            raise KilledError

    score = train(model, training, validation, settings, 3, 0, masks_of(model), on_epoch, compute=compute, **more)
    return score, copy.deepcopy(model.state_dict()), losses


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
