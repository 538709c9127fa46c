"""A training that is interrupted at any epoch ends as it would have without the interruption, to the bit."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from safs.activations import activation_sites, set_activations
from safs.data.tensors import Batchable
from safs.errors import SafsError
from safs.models import load_model
from safs.pruning.masks import masks_of
from safs.training.settings import Compute, Hyperparameters
from safs.training.trainer import Score, train
from tests.chain import KilledError

EPOCHS = 4
TORCH = Compute("torch", "cpu")
PLAIN = Hyperparameters("adam", 5e-3, batch_size=50)
RICH = replace(PLAIN, schedule="plateau", warmup=0.3, label_smoothing=0.1, clip_norm=1.0, augment="crop-flip")
SETTINGS = {
    "adam": PLAIN,
    "adamw": replace(RICH, optimizer="adamw"),
    "sgd": replace(RICH, optimizer="sgd", schedule="restarts"),
}
Epoch = tuple[int, float, Score]


class Normed(nn.Module):
    """A network with buffers and dropout."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm = nn.Conv2d(1, 4, 3, stride=3), nn.BatchNorm2d(4)
        self.drop, self.fc = nn.Dropout(0.2), nn.Linear(4 * 81, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.drop(torch.relu(self.norm(self.conv(x))).flatten(1)))


def fresh(folder: Path, kind: str) -> nn.Module:
    if kind == "normed":
        with torch.random.fork_rng():
            return Normed()
    model, _ = load_model(folder)
    set_activations(model, dict.fromkeys(activation_sites(model), "swish"))
    return model


def run(model: nn.Module, training: Batchable, validation: Batchable, settings: Hyperparameters, **more):
    """Train; score, state and the epochs that were reported."""
    seen: list[Epoch] = []
    stop = more.pop("stop", None)

    def on_epoch(*epoch) -> None:
        seen.append(epoch)
        if epoch[0] == stop:
            raise KilledError

    if stop:
        with pytest.raises(KilledError):
            train(model, training, validation, settings, EPOCHS, 0, masks_of(model), on_epoch, compute=TORCH, **more)
        return None
    score = train(model, training, validation, settings, EPOCHS, 0, masks_of(model), on_epoch, compute=TORCH, **more)
    return score, copy.deepcopy(model.state_dict()), seen


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=list(SETTINGS))
@pytest.mark.parametrize("kind", ["lenet5", "normed"])
@pytest.mark.parametrize("every", [1, 2])
def test_a_killed_training_goes_on(
    sparse_folder: Path, training: Batchable, validation: Batchable, tmp_path: Path, kind: str, settings, every: int
):
    score, weights, seen = run(fresh(sparse_folder, kind), training, validation, settings)
    path = tmp_path / "work" / "training.safetensors"
    for stop in range(1, EPOCHS + 1):
        path.unlink(missing_ok=True)
        where = {"checkpoint": path, "checkpoint_every": every}
        run(fresh(sparse_folder, kind), training, validation, settings, stop=stop, **where)
        assert path.exists() is (stop >= every)
        result = run(fresh(sparse_folder, kind), training, validation, settings, **where)
        assert result[0] == score
        assert result[2] == seen  # epochs of before are reported again
        assert all(torch.equal(result[1][name], value) for name, value in weights.items())
        assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_epochs_of_a_checkpoint_are_not_trained_again(
    lenet_folder: Path, training: Batchable, validation: Batchable, tmp_path: Path
):
    path = tmp_path / "c"
    finished = run(fresh(lenet_folder, "lenet5"), training, validation, PLAIN, checkpoint=path)
    before = path.stat().st_mtime_ns
    broken = Batchable(training.x * float("nan"), training.y)  # training on it would show
    again = run(fresh(lenet_folder, "lenet5"), broken, validation, PLAIN, checkpoint=path)
    assert again[0] == finished[0]
    assert again[2] == finished[2]
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("change", ["settings", "weights", "masks"])
def test_a_checkpoint_of_another_training_is_refused(
    sparse_folder: Path, training: Batchable, validation: Batchable, tmp_path: Path, change: str
):
    path = tmp_path / "c"
    run(fresh(sparse_folder, "lenet5"), training, validation, PLAIN, stop=1, checkpoint=path)
    model = fresh(sparse_folder, "lenet5")
    settings = replace(PLAIN, momentum=0.1) if change == "settings" else PLAIN
    with torch.no_grad():
        if change == "weights":
            model.fc3.bias[0] += 1
        if change == "masks":
            model.fc3.weight.view(-1)[model.fc3.weight.view(-1).nonzero()[0]] = 0
    with pytest.raises(SafsError, match="of another training"):
        run(model, training, validation, settings, checkpoint=path)


@pytest.mark.parametrize("keep", [0, 5, 1000])
def test_a_damaged_checkpoint_is_a_safs_error(
    lenet_folder: Path, training: Batchable, validation: Batchable, tmp_path: Path, keep: int
):
    path = tmp_path / "c"
    run(fresh(lenet_folder, "lenet5"), training, validation, PLAIN, stop=1, checkpoint=path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SafsError, match="is damaged"):
        run(fresh(lenet_folder, "lenet5"), training, validation, PLAIN, checkpoint=path)
