"""Training on a data set that stays on disk ends with the same weights as training on one in memory."""

from pathlib import Path

import pytest
import torch

from safs.data.tensors import Batchable, Streamed, load_tensors
from safs.models import load_model
from safs.pruning.masks import masks_of
from safs.training import native_engine
from safs.training.engine import make_engine
from safs.training.settings import Compute, Hyperparameters
from safs.training.trainer import train

TINY = 1e-7  # GiB
SETTINGS = [
    Hyperparameters(batch_size=32, augment="crop-flip"),
    Hyperparameters(batch_size=13, optimizer="sgd", momentum=0.5, learning_rate=0.1),
]


@pytest.fixture(scope="module")
def parts(small_folder: Path) -> list[Batchable]:
    return [load_tensors(small_folder, part, TINY) for part in ("train", "validation")]


def test_a_streamed_part_has_the_same_values(parts: list[Batchable], training: Batchable):
    streamed = parts[0].x
    assert isinstance(streamed, Streamed)
    assert isinstance(training.x, torch.Tensor)
    index = torch.tensor([5, 6, 7, 0, 5])
    assert streamed.shape == training.x.shape
    assert torch.equal(streamed[index], training.x[index])
    assert torch.equal(torch.cat(list(streamed.split(7))), training.x)
    assert torch.equal(parts[0].some(index).x[1:3], training.x[index][1:3])


@pytest.mark.parametrize("backend", ["torch", "native", "auto"])
@pytest.mark.parametrize("settings", SETTINGS, ids=["adam", "sgd"])
def test_the_same_seed_gives_the_same_weights(
    sparse_folder: Path,
    parts: list[Batchable],
    training: Batchable,
    validation: Batchable,
    backend: str,
    settings: Hyperparameters,
    monkeypatch: pytest.MonkeyPatch,
):
    if backend == "native" and settings.augment != "none":
        settings = Hyperparameters(batch_size=32)
    monkeypatch.setattr(native_engine, "MOST", 64)  # the small data set comes in several pieces
    found = []
    for one, two in ((training, validation), parts):
        model, _ = load_model(sparse_folder)
        score = train(model, one, two, settings, 2, 7, masks_of(model), compute=Compute(backend))
        found.append((score, model.state_dict()))
    (wanted, weights), (score, same) = found
    assert score == wanted
    for name, values in weights.items():
        assert torch.equal(same[name], values), name


def test_what_is_streamed_is_not_held(sparse_folder: Path, parts: list[Batchable]):
    model, _ = load_model(sparse_folder)
    engine = make_engine(model, parts[0], Hyperparameters(), masks_of(model), Compute("torch"))
    assert isinstance(engine.training.x, Streamed)
