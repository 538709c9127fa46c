"""A candidate's training on disk, between two rungs: weights, optimizer and curve in one safetensors file."""

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

MODEL, ENGINE = "model.", "engine."


def save_checkpoint(path: Path, model: nn.Module, state: Mapping[str, Tensor], curve: list[list[float]]) -> None:
    """Write the training so that a reader never sees half of it.

    Args:
        path: the file; its folder is made.
        model: the network with its weights of this moment.
        state: what the engine's optimizer remembers.
        curve: the scores so far.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {MODEL + name: tensor for name, tensor in model.state_dict().items()}
    tensors |= {ENGINE + name: tensor for name, tensor in state.items()}
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    beside = path.with_name(f".{path.name}.partial")
    save_file(tensors, beside, {"curve": json.dumps(curve)})
    beside.replace(path)


def load_checkpoint(path: Path, model: nn.Module) -> tuple[list[list[float]], dict[str, Tensor] | None]:
    """Give a model the weights of a checkpoint.

    Returns:
        The curve so far and the engine's state; an empty curve and None, the model left as it was, where there is no
        whole checkpoint.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            curve: list[list[float]] = json.loads(file.metadata()["curve"])
    except (FileNotFoundError, SafetensorError):
        return [], None
    model.load_state_dict({name.removeprefix(MODEL): t for name, t in tensors.items() if name.startswith(MODEL)})
    return curve, {name.removeprefix(ENGINE): t for name, t in tensors.items() if name.startswith(ENGINE)}
