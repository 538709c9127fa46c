"""Versions in a registry, for tests of what happens to them."""

from collections.abc import Callable
from pathlib import Path

import torch
from mlflow import MlflowClient
from torch import nn

from safs.files import write_json
from safs.mlops.progress import Lines
from safs.mlops.registry import MlflowRegistry
from safs.mlops.tracking import MlflowTracker, default_experiment
from safs.models import load_model, save_model
from safs.steps.context import Context
from safs.steps.register import register

Change = Callable[[nn.Module], object]


def add_version(client: MlflowClient, uri: str, data: Path, model: Path, folder: Path, change: Change = id) -> str:
    """Register a model after a change to its weights; gives the version."""
    network, spec = load_model(model)
    with torch.no_grad():
        change(network)
    number = len(list(folder.glob("selection-*")))
    selection = folder / f"selection-{number}"
    save_model(selection / "model", network, spec)
    chosen = {"validation_accuracy": 0.9, "test_accuracy": 0.9, "bytes": sparse_size(network)}
    write_json(selection / "selection.json", {"chosen": chosen})
    experiment = default_experiment(client, uri, folder)
    run = client.create_run(experiment).info.run_id
    registry = MlflowRegistry(client, uri, run, run)
    context = Context(MlflowTracker(client, experiment, run, "register", Lines("register")), registry)
    return str(register(data, selection, folder / f"registration-{number}", context=context)["version"])


def sparse_size(network: nn.Module) -> int:
    from safs.export.size import sparse_bytes

    return sparse_bytes(network)
