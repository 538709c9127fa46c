"""A batch of production inputs, with labels if they are known; read by the readers of training data."""

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from safs.data.forms import IMAGES, Windows
from safs.data.images import read_image
from safs.data.listing import Listing, list_folder
from safs.data.npz import examples_of, load_arrays, names_of
from safs.data.own import OwnData, own_data
from safs.data.tensors import as_inputs
from safs.errors import SafsError, unknown

UNKNOWN = "?"


@dataclass(frozen=True)
class Batch:
    """Inputs.

    Attributes:
        name: where they came from.
        x: as a user hands them to a model, [count, channels, ...], float32.
        labels: the true classes [count]; None if they are not known.
        unreadable: what is wrong with files that could not be read.
    """

    name: str
    x: NDArray[np.float32]
    labels: NDArray[np.int64] | None
    unreadable: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the inputs; the labels do not count."""
        return hashlib.sha256(f"{self.x.shape}".encode() + np.ascontiguousarray(self.x).tobytes()).hexdigest()


def read_batch(source: str, shape: tuple[int, ...], classes: tuple[str, ...], windows: Windows) -> Batch:
    """Read a batch.

    Labels are taken from what holds them: `y` in an `.npz` file, the label column of tables, folders that all have names of
    classes.

    Args:
        source: a folder of images or tables, a table, an `.npz` file, or `s3://` and the prefix of one of these.
        shape: of an input of the model.
        classes: the model's.
        windows: how rows of tables become examples; the length is the model's.

    Raises:
        SafsError: nothing readable is there, or a label is none of the classes.
    """
    data = own_data(source)
    if data.bucket:
        from safs.data.fetching import fetch

        root = fetch(data.bucket)
        data = OwnData(data.kind, root / data.path, list_folder(root))
    if data.kind == "npz":
        arrays = load_arrays(data.path)
        if "x" not in arrays or set(arrays) - {"x", "y", "classes"}:
            raise SafsError(f"{source} holds {', '.join(arrays)}; a batch is x, with y and classes if labels are known")
        given = tuple(str(name) for name in arrays["classes"]) if "classes" in arrays else classes
        names = names_of(arrays["y"], given if arrays["y"].dtype.kind in "iu" else (), source) if "y" in arrays else ()
        return _batch(source, examples_of(arrays["x"], source), names, classes)
    if data.kind == "sensors":
        from safs.data.sensors import read_sensors

        windows = replace(windows, window=shape[-1], missing_label=UNKNOWN)
        parts = read_sensors(data.listing, windows).parts
        if set(parts) != {"train"}:
            raise SafsError(f"{source} is divided into {', '.join(parts)}; a batch is one folder")
        names = parts["train"].names
        return _batch(source, parts["train"].x[:], () if set(names) == {UNKNOWN} else names, classes)
    return _images(source, data.listing, shape, classes)


def _images(source: str, listing: Listing, shape: tuple[int, ...], classes: tuple[str, ...]) -> Batch:
    files = [file for file in listing.files if Path(file).suffix.lower() in IMAGES]
    folders = [PurePosixPath(file).parts[0] if "/" in file else "" for file in files]
    labelled = bool(files) and set(folders) <= set(classes)
    images, names, unreadable = [], [], []
    for file, folder in zip(files, folders, strict=True):
        try:
            images.append(read_image(listing.root / file, shape[-1])[0])
            names.append(folder)
        except SafsError as error:
            unreadable.append(str(error))
    channels = Counter(image.shape[0] for image in images)
    if len(channels) > 1:
        raise SafsError(f"{source} has grey and colour images; a batch has one kind")
    x = np.stack(images) if images else np.empty((0, *shape), np.uint8)
    return _batch(source, x, tuple(names) if labelled else (), classes, tuple(unreadable))


def _batch(
    source: str,
    x: NDArray[np.generic],
    names: tuple[str, ...],
    classes: tuple[str, ...],
    unreadable: tuple[str, ...] = (),
) -> Batch:
    index = {name: label for label, name in enumerate(classes)}
    for name in names:
        if name not in index:
            raise unknown("class", name, classes)
    labels = np.array([index[name] for name in names], np.int64) if names else None
    return Batch(source, as_inputs(x), labels, unreadable)
