"""A data set with half the pixels a side, for benchmarks at 16x16."""

from pathlib import Path

import numpy as np

from safs.data import PARTS, Examples, channel_statistics, load_info, load_part, save_dataset
from safs.errors import SafsError
from safs.files import move_folder


def shrink(source: Path, target: Path, size: int) -> Path:
    """Write a data set of `size` x `size` pixels by averaging blocks, unless it is there; gives its folder.

    Raises:
        SafsError: the images are smaller, or `size` does not divide their sides.
    """
    if target.exists():
        return target
    info = load_info(source)
    channels, height, width = info.shape
    if height % size or width % size:
        raise SafsError(f"size is {size}, which does not divide the images' {height}x{width} pixels")
    parts = {}
    for part in PARTS:
        examples = load_part(source, part)
        blocks = examples.x.reshape(-1, channels, size, height // size, size, width // size)
        parts[part] = Examples(np.rint(blocks.mean((3, 5), np.float32)).astype(np.uint8), examples.y)
    statistics = channel_statistics(parts["train"].x)
    beside = target.with_name(f".{target.name}.partial")
    save_dataset(beside, info.name, f"{info.origin}; at {size}x{size} pixels", info.classes, parts, *statistics)
    move_folder(beside, target)
    return target
