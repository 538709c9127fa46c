"""Data sets: where they come from and how they are kept on disk."""

from safs.data.assembly import assemble
from safs.data.dataset import PARTS, DatasetInfo, Examples, Part, load_info, load_part, save_dataset
from safs.data.normalisation import channel_statistics, rank_curves
from safs.data.own import OwnData, Reading, files_of, find_source, read_own
from safs.data.sources import SOURCES, source_named
from safs.data.split import reduce_parts

__all__ = [
    "PARTS",
    "SOURCES",
    "DatasetInfo",
    "Examples",
    "OwnData",
    "Part",
    "Reading",
    "assemble",
    "channel_statistics",
    "files_of",
    "find_source",
    "load_info",
    "load_part",
    "rank_curves",
    "read_own",
    "reduce_parts",
    "save_dataset",
    "source_named",
]
