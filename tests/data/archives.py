"""Small data files in the published formats."""

import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from safs.data.cifar10 import CLASSES


def jpeg(colour: tuple[int, int, int] = (200, 30, 30), size: tuple[int, int] = (32, 32), form: str = "JPEG") -> bytes:
    """An image file of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, form)
    return buffer.getvalue()


def write_tar(path: Path, members: dict[str, bytes | tarfile.TarInfo], mode: str = "w:xz") -> Path:
    """A tar archive of files by name; a TarInfo stands for a member without content."""
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def cifar_members(per_class: int = 5) -> dict[str, bytes]:
    """Members of a CIFAR-10 archive: the class gives the red, the number the green of every image."""
    return {
        f"{part}/{name}/{number:04}.jpg": jpeg((20 * label, 40 * number, 128))
        for part, count in (("test", 1), ("train", per_class))
        for label, name in enumerate(CLASSES)
        for number in range(count)
    }


def records(count: int, seed: int = 0) -> np.ndarray:
    """Records [count, 3073] of CIFAR-10's binary version."""
    raw = np.random.default_rng(seed).integers(0, 256, (count, 3073), np.uint8)
    raw[:, 0] = np.arange(count) % 10
    return raw


def write_imagenet(folder: Path, batches: int = 10, per_batch: int = 12, side: int = 16) -> None:
    """Ten training files and a validation file in the published npz form, with labels from 1."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"train_data_batch_{number}" for number in range(1, batches + 1)] + ["val_data"]
    for name in names:
        data = random.integers(0, 256, (per_batch, 3 * side * side), np.uint8)
        labels = 1 + np.arange(per_batch) % 4
        labels[-1] = 1000
        np.savez(folder / f"{name}.npz", data=data, labels=labels, mean=data.mean(0))
