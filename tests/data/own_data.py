"""Small data of a user's own, sound or not, for tests."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def image(path: Path, seed: int = 0, mode: str = "RGB", size: tuple[int, int] = (8, 6), **options: Any) -> Path:
    """An image of random pixels; size is width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = len(Image.new(mode, (1, 1)).getbands())
    random = np.random.default_rng([seed, *path.stem.encode()])
    pixels = random.integers(0, 256, (size[1], size[0], channels), np.uint8)
    Image.frombytes(mode, size, pixels.tobytes()).save(path, **options)
    return path


def image_folder(root: Path, classes: tuple[str, ...] = ("cat", "dog"), count: int = 6, **options: Any) -> Path:
    """A folder a class, each with so many PNG files."""
    for number, name in enumerate(classes):
        for index in range(count):
            image(root / name / f"{index}.png", 1000 * number + index, **options)
    return root


def divided_folder(root: Path, classes: tuple[str, ...] = ("cat", "dog"), **options: Any) -> Path:
    """The same below train, validation and test."""
    for number, part in enumerate(("train", "validation", "test")):
        image_folder(root / part, classes, 3 + number, **options)
    return root


def arrays(count: int = 12, classes: int = 2, seed: int = 0) -> dict[str, Any]:
    """Images and labels as they stand in an .npz file."""
    random = np.random.default_rng(seed)
    return {"x": random.integers(0, 256, (count, 3, 6, 8), np.uint8), "y": np.arange(count) % classes}


def npz(path: Path, **content: Any) -> Path:
    """An .npz file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **content)
    return path
