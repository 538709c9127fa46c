"""Small tables of sensor rows, sound or not, for tests."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def rows(count: int = 60, seed: int = 0, start: str = "2026-01-01", alarms: float = 0.4) -> pd.DataFrame:
    """Rows of two sensors, one a second; the last ones are labelled 1, and their values are larger."""
    random = np.random.default_rng(seed)
    labels = (np.arange(count) >= count * (1 - alarms)).astype(int)
    values = random.normal(size=(count, 2)) + 2 * labels[:, None]
    time = pd.date_range(start, periods=count, freq="s")
    return pd.DataFrame({"datetime": time, "p": values[:, 0], "q": values[:, 1], "label": labels})


def write(path: Path, frame: pd.DataFrame, **options: Any) -> Path:
    """Write a table as its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, **{"sep": ";"} | options)
    return path


def runs(root: Path, count: int = 6, suffix: str = ".csv", **options: Any) -> Path:
    """A folder with so many files of rows."""
    for number in range(count):
        write(root / f"{number}{suffix}", rows(seed=number), **options)
    return root
