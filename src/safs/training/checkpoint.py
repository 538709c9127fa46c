"""A training that is not finished, in one file: tensors, and what happened so far as JSON in the file's head."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from safs.errors import SafsError
from safs.pruning.masks import Masks
from safs.training.score import Score
from safs.training.settings import Compute, Hyperparameters

History = list[tuple[float, Score]]
State = dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands after an epoch.

    Attributes:
        history: mean training loss and validation score of every epoch so far.
        model: the model's state.
        best: the model's state after its best epoch.
        engine: what the optimizer remembers.
        order: the state of the generator of the batches.
    """

    history: History
    model: Mapping[str, Tensor]
    best: Mapping[str, Tensor]
    engine: Mapping[str, Tensor]
    order: Tensor


def training_key(
    model: nn.Module, settings: Hyperparameters, epochs: int, seed: int, masks: Masks | None, compute: Compute
) -> str:
    """A fingerprint of all that decides a training, but for its data."""
    digest = hashlib.sha256(json.dumps([asdict(settings), epochs, seed, asdict(compute)]).encode())
    for name, value in (*model.state_dict().items(), *(masks or {}).items()):
        digest.update(f"{name} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_checkpoint(path: Path, key: str, checkpoint: Checkpoint) -> None:
    """Write a checkpoint beside `path`, then rename, so that the file is whole or the one before."""
    parts = {"model": checkpoint.model, "best": checkpoint.best, "engine": checkpoint.engine}
    tensors = {
        f"{part}:{name}": value.detach().cpu().clone().contiguous()
        for part, state in parts.items()
        for name, value in state.items()
    }
    history = [[loss, score.accuracy, score.negative_loss] for loss, score in checkpoint.history]
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    save_file({**tensors, "order": checkpoint.order}, beside, {"key": key, "history": json.dumps(history)})
    beside.replace(path)


def load_checkpoint(path: Path, key: str) -> Checkpoint | None:
    """Read the checkpoint of a training; None if there is none yet.

    Raises:
        SafsError: the file is damaged, or it is of another training.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            head = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError) as error:
        raise SafsError(f"checkpoint {path} is damaged ({error}); remove it to start afresh") from None
    if head.get("key") != key:
        raise SafsError(
            f"checkpoint {path} is of another training: other weights, masks, hyperparameters, epochs, seed or "
            "computation; remove it, or name another file"
        )
    parts: dict[str, State] = {"model": {}, "best": {}, "engine": {}}
    for name, value in tensors.items():
        part, _, own = name.partition(":")
        if own:
            parts[part][own] = value
    history = [(loss, Score(accuracy, negative)) for loss, accuracy, negative in json.loads(head["history"])]
    return Checkpoint(history, **parts, order=tensors["order"])
