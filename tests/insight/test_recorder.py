from pathlib import Path

import torch

from safs.data.tensors import Batchable
from safs.files import read_json
from safs.insight import Recorder, probe_of
from safs.models import load_model
from safs.pruning.masks import masks_of
from safs.training.settings import Hyperparameters
from safs.training.trainer import train


def run(folder: Path, training: Batchable, validation: Batchable, recorder: Recorder | None) -> dict[str, torch.Tensor]:
    model, _ = load_model(folder)
    if recorder:
        recorder.record(model, 0)

    def on_epoch(epoch: int, *_: object) -> None:
        if recorder:
            recorder.record(model, epoch)

    train(model, training, validation, Hyperparameters(), 5, 0, masks_of(model), on_epoch)
    return model.state_dict()


def test_records_are_written_every_few_epochs_and_change_no_training(
    sparse_folder: Path, training: Batchable, validation: Batchable, tmp_path: Path
):
    recorder = Recorder(tmp_path / "new" / "insight.json", probe_of(training, 50), every=2)
    watched = run(sparse_folder, training, validation, recorder)
    alone = run(sparse_folder, training, validation, None)
    assert all(torch.equal(value, alone[name]) for name, value in watched.items())
    content = read_json(tmp_path / "new" / "insight.json")
    assert content["probe_images"] == 50
    assert content["records"] == recorder.records
    assert [record["epoch"] for record in recorder.records] == [0, 2, 4]
    for record in recorder.records:
        assert list(record["gradient_norm"]) == [f"{name}.weight" for name in ("conv1", "conv2", "fc1", "fc2", "fc3")]
        assert list(record["sites"]) == ["act1", "act2", "act3", "act4"]
    assert recorder.records[0]["gradient_norm"] != recorder.records[1]["gradient_norm"]


def test_a_training_that_goes_on_has_its_whole_history(sparse_folder: Path, training: Batchable, tmp_path: Path):
    model, _ = load_model(sparse_folder)
    path = tmp_path / "insight.json"
    Recorder(path, probe_of(training), 1).record(model, 3)
    again = Recorder(path, probe_of(training), 1)
    again.record(model, 1)
    again.record(model, 3)
    assert [record["epoch"] for record in read_json(path)["records"]] == [1, 3]


def test_the_probe_is_spread_over_the_data(training: Batchable):
    probe = probe_of(training, 3)
    last = len(training.y) - 1
    assert torch.equal(probe.x, training.x[[0, last // 2, last]])
    assert len(probe_of(training, 10_000).y) == len(training.y)
