"""A model on disk: `model.safetensors` (weights; zeros are the mask) and `model.json` (how to build it)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from safs.activations import set_activations
from safs.activations.expose import original_operators
from safs.errors import SafsError
from safs.files import fingerprint, read_json, write_json
from safs.models.sites import with_sites
from safs.runtime.curves import Curves, as_curves

CHECKSUM = "weights_sha256"  # in model.json: damaged weights would load without a word


@dataclass(frozen=True)
class ModelSpec:
    """What is needed to build a network again.

    Attributes:
        architecture: a name from `MODELS`, `torchvision:NAME`, `timm:NAME` or `package.module:factory`.
        input_shape: (channels, height, width), or (channels, length) of series.
        classes: the class names, in the order of the logits.
        mean: what is subtracted from each channel of an image in [0, 1], or of a series after its curves.
        std: what each channel is then divided by.
        activations: operator by site name; sites not named have the model's original one.
        scales: what the activations' scales are: fixed | layer | channel.
        excluded: patterns (fnmatch) of the names of activations that are no sites.
        sparsity: the fraction of zeros that was asked of pruning, in [0, 1).
        seed: the seed of the dense network it came from.
        curves: what each channel's values are read off before mean and std; none for values as they are.
    """

    architecture: str
    input_shape: tuple[int, ...]
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    activations: Mapping[str, str] = field(default_factory=dict)
    scales: str = "fixed"
    excluded: tuple[str, ...] = ()
    sparsity: float = 0.0
    seed: int = 0
    curves: Curves = ()


def build(spec: ModelSpec) -> nn.Module:
    """Build the network that a spec describes, with fresh weights from torch's global generator.

    Raises:
        SafsError: the architecture, a site or an operator is unknown, or the architecture does not fit the images.
    """
    model = with_sites(spec.architecture, spec.input_shape, len(spec.classes), spec.excluded)
    set_activations(model, original_operators(model) | dict(spec.activations), spec.scales)
    return model


def save_model(folder: Path, model: nn.Module, spec: ModelSpec) -> None:
    """Write a model into `folder`, `model.json` last, so that a folder with it is whole.

    Raises:
        SafsError: the weights cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    try:
        save_file(state, folder / "model.safetensors")
    except SafetensorError as error:
        raise SafsError(f"{folder / 'model.safetensors'} cannot be written: {error}") from None
    write_json(folder / "model.json", {**asdict(spec), CHECKSUM: fingerprint(folder / "model.safetensors")})


def load_spec(folder: Path) -> ModelSpec:
    """Read `model.json`.

    Raises:
        SafsError: it is missing, not JSON, or lacks or adds a field.
    """
    raw = read_json(folder / "model.json")
    try:
        raw = dict(raw)
        if not isinstance(raw.pop(CHECKSUM, None), str):
            raise TypeError(f"{CHECKSUM} is missing")
        spec = ModelSpec(**raw)
        shape = tuple(int(side) for side in spec.input_shape)
        if len(shape) not in {2, 3} or min(shape) < 1:
            raise ValueError(f"input_shape is {list(shape)} instead of two or three numbers above 0")
        lists = {name: tuple(getattr(spec, name)) for name in ("classes", "mean", "std", "excluded")}
        if len(lists["mean"]) != shape[0] or len(lists["std"]) != shape[0]:
            raise ValueError(
                f"mean and std have {len(lists['mean'])} and {len(lists['std'])} values for {shape[0]} channels"
            )
        curves = as_curves(spec.curves, shape[0])
        if isinstance(raw.get("excluded"), str):
            raise TypeError(f"excluded is {raw['excluded']!r} instead of a list of patterns")
        names = [spec.architecture, spec.scales, *dict(spec.activations).values(), *spec.excluded]
        if not all(isinstance(name, str) for name in names):
            raise TypeError(f"names are {names}")
    except (TypeError, ValueError) as error:
        raise SafsError(f"{folder / 'model.json'} does not describe a model: {error}") from None
    return ModelSpec(**{**raw, **lists, "curves": curves, "input_shape": shape})


def load_model(folder: Path) -> tuple[nn.Module, ModelSpec]:
    """Read a model and its spec; the model is in training mode, on the CPU.

    Raises:
        SafsError: a file is missing or damaged, or the weights are not those of the architecture.
    """
    spec = load_spec(folder)
    model = build(spec)
    try:
        if fingerprint(folder / "model.safetensors") != read_json(folder / "model.json")[CHECKSUM]:
            raise SafsError(f"{folder / 'model.safetensors'} is damaged: it is not what model.json vouches for")
        state = load_file(folder / "model.safetensors")
        model.load_state_dict(state)
    except FileNotFoundError:
        raise SafsError(f"{folder} has a model.json but no model.safetensors; make it again") from None
    except SafetensorError as error:
        raise SafsError(f"{folder / 'model.safetensors'} is damaged ({error}); make it again") from None
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise SafsError(f"{folder / 'model.safetensors'} does not fit {spec.architecture}: {reason}") from None
    return model, spec


def seed_folders(folder: Path) -> dict[int, Path]:
    """The models of a folder that holds one a seed, as `seed-0`, `seed-1`, ..., by seed.

    Raises:
        SafsError: there is none.
    """
    found = {int(p.name.removeprefix("seed-")): p for p in folder.glob("seed-*") if p.name[5:].isdigit()}
    if not found:
        raise SafsError(f"{str(folder)!r} holds no models (seed-0, seed-1, ...); give the output of pretrain or prune")
    return dict(sorted(found.items()))


def fresh_model(spec: ModelSpec) -> nn.Module:
    """Build a model whose weights depend on the spec's seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        return build(spec)


def describe_activations(spec: ModelSpec) -> str:
    """The operators in order of the sites, as JSON that fits a registry tag."""
    return json.dumps(dict(spec.activations), sort_keys=True)
