"""One CSV or Parquet file to columns of numbers and text; nothing is guessed in silence."""

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from safs.data.listing import check_name
from safs.errors import SafsError

DELIMITERS = ";\t,|"
MISSING = {"", "na", "nan", "n/a", "null", "none"}
LIMIT = 8 << 30  # bytes that a file may unpack to


def read_table(path: Path) -> pd.DataFrame:
    """Read a table; a CSV file's values stay text, so that `numbers` can say which of them is none.

    The delimiter of a CSV file is the one of `;`, tab, comma and `|` that stands most often in its first line.

    Raises:
        SafsError: the file is damaged, not UTF-8 or empty, a column's name is missing or stands twice, or a row has
            more or fewer values than there are columns.
    """
    frame = _parquet(path) if path.suffix.lower() in {".parquet", ".pq"} else _csv(path)
    names = [str(name) for name in frame.columns]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice or not all(name.strip() for name in names):
        raise SafsError(
            f"{path}: column {(twice or [''])[0]!r} stands twice or has no name; the first line names each once"
        )
    for name in names:
        check_name(name, f"{path}: {name}")
    if len(frame) == 0:
        raise SafsError(f"{path} has no rows below its first line; fill or remove it")
    return frame


def numbers(column: "pd.Series[Any]", path: Path) -> NDArray[np.float64]:
    """A column as numbers; missing values (empty, NA, NaN, null) are NaN.

    Raises:
        SafsError: a value is text, infinite, or more than float32 holds.
    """
    values, wrong = _parse(column)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise SafsError(
            f"{path}, row {row + 1}: {column.name!r} is {column.iloc[row]!r}, which is no number (1234.5 is one); mend it, or leave "
            "the column out by drop_columns"
        )
    bad = np.isinf(values) | (np.abs(values) > np.finfo(np.float32).max)
    if bad.any():
        row = int(np.argmax(bad))
        raise SafsError(f"{path}, row {row + 1}: {column.name!r} is {values[row]}; numbers are finite and fit float32")
    return values


def is_numeric(column: "pd.Series[Any]") -> bool:
    """Whether at least half of a column's values are numbers; a column without any value is not."""
    values, wrong = _parse(column)
    present = int((~np.isnan(values)).sum())
    return present > 0 and present >= int(wrong.sum())


def texts(column: "pd.Series[Any]", path: Path) -> list[str]:
    """A column as names of classes: whole numbers lose their point, so 0.0 is 0.

    Raises:
        SafsError: a value is missing or cannot be written down.
    """
    names = []
    known: dict[Any, str] = {}
    for row, value in enumerate(column.tolist()):
        if value not in known:
            text = "" if value is None or value is pd.NA or value != value else str(value).strip()  # noqa: PLR0124 - NaN
            if text.lower() in MISSING:
                raise SafsError(f"{path}, row {row + 1}: the label {column.name!r} is missing; label or remove the row")
            check_name(text, f"{path}: label {text}")
            known[value] = _whole(text)
        names.append(known[value])
    return names


def _whole(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else text


def _parse(column: "pd.Series[Any]") -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values, and where there is one that is no number."""
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype):
        return column.to_numpy(np.float64, na_value=np.nan), np.zeros(len(column), bool)
    text = column.astype("string").str.strip()
    missing = text.isna() | text.str.lower().isin(MISSING)
    values = pd.to_numeric(text.where(~missing), errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return values, np.isnan(values) & ~missing.to_numpy(bool)


def _parquet(path: Path) -> pd.DataFrame:
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            groups = (file.metadata.row_group(index) for index in range(file.metadata.num_row_groups))
            size = sum(group.total_byte_size for group in groups)
            if size > LIMIT:
                raise SafsError(f"{path} unpacks to {size:,} bytes; at most {LIMIT:,} are taken")
            frame: pd.DataFrame = file.read().to_pandas()
            return frame
    except (arrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise SafsError(f"{path} is damaged or not a Parquet file ({reason}); write it anew") from None


def _csv(path: Path) -> pd.DataFrame:
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SafsError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise SafsError(f"{path} cannot be read: {error.strerror}") from None
    if not text.strip():
        raise SafsError(f"{path} is empty; fill or remove it")
    if "\0" in text:
        raise SafsError(f"{path} has a null byte; it is no CSV file")
    header = text.lstrip().splitlines()[0]
    delimiter = max(DELIMITERS, key=header.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]
    except csv.Error as error:
        raise SafsError(f"{path} is not a sound CSV file: {error}") from None
    names = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise SafsError(
                f"{path}, row {number}: {len(row)} values for {len(names)} columns, with the delimiter {delimiter!r} of the first "
                "line; each row has one value a column"
            )
    return pd.DataFrame(rows[1:], columns=names, dtype="string")
