"""What the user's data look like: the files' names, and how tables become windows."""

from dataclasses import dataclass
from typing import Literal

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
TABLES = (".csv", ".tsv", ".parquet", ".pq")
SplitBy = Literal["file", "time"]
Scaling = Literal["ranks", "deviation"]


@dataclass(frozen=True)
class Windows:
    """How rows become examples; the step `prepare` says what each of it means."""

    window: int = 64
    stride: int = 0
    columns: tuple[str, ...] = ()
    drop_columns: tuple[str, ...] = ()
    label_column: str = "label"
    missing_label: str = ""
    time_column: str = ""
    split_by: SplitBy = "file"
