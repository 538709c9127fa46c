"""Gradient norms and dead units over a training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from safs.data.tensors import Batchable
from safs.files import read_fields, write_json
from safs.insight.statistics import gradient_norms, site_statistics

PROBE = 128  # images


def probe_of(training: Batchable, count: int = PROBE) -> Batchable:
    """A fixed batch of training data, evenly spaced over it."""
    index = torch.linspace(0, len(training.y) - 1, min(count, len(training.y))).long()
    return Batchable(training.x[index], training.y[index])


class Recorder:
    """Writes down what a training does to a network, every few epochs, on a fixed batch of training data.

    Recording changes neither the network nor any random generator, so the training ends the same with it or without.

    Args:
        path: the JSON file, written anew after every record; what it holds already is kept, so that a training which
            goes on where it was killed has a whole history.
        probe: the images to look at.
        every: epochs between two records, at least 1.

    Example:
        >>> recorder = Recorder(folder / "insight.json", probe_of(training), every=5)
        >>> train(model, training, validation, settings, 30, 0, on_epoch=lambda epoch, *_: recorder.record(model, epoch))
    """

    def __init__(self, path: Path, probe: Batchable, every: int) -> None:
        self.path, self.probe, self.every = path, probe, every
        self.records: list[dict[str, Any]] = []
        if path.exists():
            self.records = read_fields(path, records=list)["records"]

    def record(self, model: nn.Module, epoch: int) -> None:
        """Look at the network after an epoch, if it is one to be looked at; 0 is before the training."""
        if epoch % self.every or any(record["epoch"] == epoch for record in self.records):
            return
        device = next(model.parameters()).device
        probe = Batchable(self.probe.x.to(device), self.probe.y.to(device))
        entry = {
            "epoch": epoch,
            "gradient_norm": gradient_norms(model, probe),
            "sites": site_statistics(model, probe.x),
        }
        self.records = sorted([*self.records, entry], key=lambda record: int(record["epoch"]))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.path, {"probe_images": len(probe.y), "records": self.records})


def watch(model: nn.Module, path: Path, training: Batchable, every: int) -> Callable[[int], None]:
    """Record a network before its training; gives what to call with each epoch. With `every` 0 nothing is recorded."""
    if not every:
        return lambda _: None
    recorder = Recorder(path, probe_of(training), every)
    recorder.record(model, 0)
    return lambda epoch: recorder.record(model, epoch)
