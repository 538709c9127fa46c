"""Data sets: where they come from and how they are kept on disk."""

from safs.data.dataset import PARTS, DatasetInfo, Examples, Part, load_info, load_part, save_dataset
from safs.data.sources import SOURCES, source_named

__all__ = [
    "PARTS",
    "SOURCES",
    "DatasetInfo",
    "Examples",
    "Part",
    "load_info",
    "load_part",
    "save_dataset",
    "source_named",
]
