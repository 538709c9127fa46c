"""A data set on disk: `.npy` arrays for train, validation and test, and `dataset.json`."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from safs.data.rows import Rows, open_npy, write_npy
from safs.errors import SafsError
from safs.files import read_json, write_json
from safs.runtime.curves import Curves, as_curves

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Examples:
    """One part of a data set.

    Attributes:
        x: images [count, channels, height, width], uint8, 0 to 255; or series [count, channels, length], float32.
        y: class indices [count], int64.
    """

    x: Rows
    y: NDArray[np.int64]


@dataclass(frozen=True)
class DatasetInfo:
    """What `dataset.json` says.

    Attributes:
        name: the source's name.
        origin: where the data came from, for people.
        shape: (channels, height, width), or (channels, length) of series.
        classes: class names in the order of the labels.
        mean: subtracted from each channel of an image in [0, 1], or of a series after its curves.
        std: what each channel is then divided by.
        sizes: number of images by part.
        fingerprint: SHA-256 of the arrays and the classes.
        notes: what was done to the data that a reader should know, in sentences.
        normal: the class that raises no alarm; empty if alarms are not what the classes are about.
        weights: how often each class is drawn in training, against its share of the data; empty for as it comes.
        curves: what each channel's values are read off first, one a channel; none for values as they are.
        channels: what the channels are called; empty if they have no names.
    """

    name: str
    origin: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    sizes: dict[str, int]
    fingerprint: str
    notes: tuple[str, ...] = ()
    normal: str = ""
    weights: tuple[float, ...] = ()
    curves: Curves = ()
    channels: tuple[str, ...] = ()


def save_dataset(
    folder: Path,
    name: str,
    origin: str,
    classes: tuple[str, ...],
    parts: dict[Part, Examples],
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
    notes: tuple[str, ...] = (),
    normal: str = "",
    weights: tuple[float, ...] = (),
    curves: Curves = (),
    channels: tuple[str, ...] = (),
) -> DatasetInfo:
    """Write a data set into `folder`, `dataset.json` last.

    Args:
        folder: where to write.
        name: the source's name.
        origin: where the data came from, for people.
        classes: class names in the order of the labels.
        parts: images and labels of each part.
        mean: what to subtract from each channel of an image in [0, 1]; 0 if not given.
        std: what to divide each channel by then; 1 if not given.
        notes: what a reader should know of the data.
        normal: the class that raises no alarm, if there is one.
        weights: how often each class is drawn in training, against its share; one a class, or none.
        curves: what each channel's values are read off before mean and std; one a channel, or none.
        channels: what the channels are called, if they have names.

    Raises:
        SafsError: a part is empty, a label is out of range, the parts' shapes differ, or mean and std do not fit them.
    """
    digest = hashlib.sha256("\0".join(classes).encode())
    shape = parts["train"].x.shape[1:]
    mean, std = mean or (0.0,) * shape[0], std or (1.0,) * shape[0]
    if len(mean) != shape[0] or len(std) != shape[0] or min(std) <= 0:
        raise SafsError(f"{name}: mean {mean} and std {std} must have {shape[0]} values, a channel one, std above 0")
    for part in PARTS:
        x, y = parts[part].x, parts[part].y
        if len(x) == 0 or len(x) != len(y) or x.shape[1:] != shape:
            raise SafsError(f"{name}: the {part} part has images {x.shape} and labels {y.shape}; train has {shape}")
        if y.min() < 0 or y.max() >= len(classes):
            wrong = y.min() if y.min() < 0 else y.max()
            raise SafsError(f"{name}: a label of the {part} part is {wrong}, there are {len(classes)} classes")
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        write_npy(folder / f"{part}_x.npy", parts[part].x, digest)
        write_npy(folder / f"{part}_y.npy", parts[part].y, digest)
    info = DatasetInfo(
        name=name,
        origin=origin,
        shape=tuple(int(side) for side in shape),
        classes=classes,
        mean=mean,
        std=std,
        sizes={part: len(parts[part].y) for part in PARTS},
        fingerprint=digest.hexdigest(),
        notes=notes,
        normal=normal,
        weights=weights,
        curves=curves,
        channels=channels,
    )
    write_json(folder / "dataset.json", asdict(info))
    return info


def load_info(folder: Path) -> DatasetInfo:
    """Read `dataset.json`.

    Raises:
        SafsError: it is missing or does not describe a data set.
    """
    raw = read_json(folder / "dataset.json")
    try:
        lists = {name: tuple(raw[name]) for name in ("shape", "classes", "mean", "std", "notes", "weights")}
        curves = as_curves(raw.get("curves", ()), len(lists["mean"]))
        return DatasetInfo(**{**raw, **lists, "curves": curves, "channels": tuple(raw.get("channels", ()))})
    except (TypeError, KeyError, ValueError) as error:
        raise SafsError(f"{folder / 'dataset.json'} does not describe a data set: {error}") from None


def load_part(folder: Path, part: Part) -> Examples:
    """Read one part into memory; only `evaluate` and `promote` may ask for the test part.

    Raises:
        SafsError: an array is missing or damaged.
    """
    examples = open_part(folder, part)
    return Examples(examples.x[:], examples.y)


def open_part(folder: Path, part: Part) -> Examples:
    """One part whose inputs stay in their file until they are asked for.

    Raises:
        SafsError: an array is missing or damaged.
    """
    try:
        return Examples(open_npy(folder / f"{part}_x.npy"), np.load(folder / f"{part}_y.npy", allow_pickle=False))
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise SafsError(f"the {part} part of the data set {str(folder)!r} cannot be read: {error}") from None
