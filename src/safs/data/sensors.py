"""Series of sensors: tables of rows over time, cut into windows."""

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from safs.data.dataset import PARTS, Part
from safs.data.forms import TABLES, Windows
from safs.data.grouped import SHARE
from safs.data.image_folder import NAMES
from safs.data.labelled import Found, Labelled, Report
from safs.data.listing import Listing
from safs.data.pile import Pile, Room
from safs.data.rows import chunks
from safs.data.tables import is_numeric, numbers, read_table, texts
from safs.errors import SafsError

TIMES = ("datetime", "timestamp", "time", "date")
FILL = 5  # rows that a missing value is filled over
GAP = 5.0  # median steps between two rows beyond which no window reaches


@dataclass
class Tally:
    """What was done to the rows, for the notes."""

    filled: int = 0
    dropped: int = 0
    gaps: int = 0
    doubled: int = 0
    short: int = 0
    sorted: list[str] = field(default_factory=list)
    untimed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Rows:
    """Consecutive rows of one file that windows may be cut from.

    Attributes:
        values: [rows, columns], finite.
        labels: the class of each row.
    """

    values: NDArray[np.float64]
    labels: list[str]


@dataclass
class Read:
    """The windows of a part."""

    pile: Pile
    names: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def add(self, x: NDArray[np.float32], names: list[str], file: str) -> None:
        """Add windows [count, channels, length] of a file."""
        self.pile.add(x)
        self.names += names
        self.files += [file] * len(names)

    def labelled(self) -> Labelled:
        """All windows; those of one file are a group."""
        return Labelled(self.pile.rows(), tuple(self.names), tuple(self.files))


def read_sensors(listing: Listing, how: Windows, report: Report | None = None, room: Room | None = None) -> Found:
    """Read tables of sensor rows and cut them into windows [channels, length]; a window's class is its last row's.

    The rule for gaps: a missing value takes the last one before it, over up to 5 rows; rows that still lack a value are
    dropped; no window reaches over dropped rows, nor over a step in time of more than 5 times the file's median step.
    Rows out of order are sorted by time; a row that stands twice is dropped once.

    Raises:
        SafsError: a file breaks a rule of its form, lacks a column, has two rows of one time, or no window fits.
    """
    files = table_files(listing)
    lacking = [part for part in PARTS if part not in {part for part, _, _ in files}]
    tally, columns, room = Tally(), how.columns, room or Room()
    windows: dict[Part, Read] = {}
    for number, (part, folder, file) in enumerate(files):
        if report:
            report(number, len(files), "files read")
        path = listing.root / file
        frame = read_table(path)
        columns = columns or _numeric_columns(frame, how, path)
        pieces = _segments(frame, columns, folder, how, path, tally)
        dealt: dict[Part, list[Rows]] = {part: pieces}
        if how.split_by == "time" and part == "train" and lacking:
            dealt = _by_time(pieces, lacking)
        for home, segments in dealt.items():
            for segment in segments:
                for x, names in _cut(segment, how, tally):
                    windows.setdefault(home, Read(room.pile())).add(x, names, file)
    if not windows:
        raise SafsError(
            f"no window of {how.window} rows fits into the {len(files)} files of {str(listing.root)!r}; take fewer"
        )
    notes = _notes(tally, columns, how)
    return Found({part: read.labelled() for part, read in windows.items()}, notes, False, columns)


def table_files(listing: Listing) -> list[tuple[Part, str, str]]:
    """Part, folder's name and path of each table.

    Raises:
        SafsError: a folder beside the training part is neither validation nor test.
    """
    files = [file for file in listing.files if Path(file).suffix.lower() in TABLES]
    tops = {PurePosixPath(file).parts[0] for file in files if "/" in file}
    divided = any(NAMES.get(top.lower()) == "train" for top in tops)
    found: list[tuple[Part, str, str]] = []
    for file in files:
        pieces = PurePosixPath(file).parts
        if divided and (len(pieces) < 2 or pieces[0].lower() not in NAMES):
            raise SafsError(
                f"{listing.root / file} lies beside the training part but is neither in validation nor in test"
            )
        part: Part = NAMES[pieces[0].lower()] if divided else "train"
        found.append((part, unicodedata.normalize("NFC", pieces[-2]) if len(pieces) > 1 + divided else "", file))
    return found


def _numeric_columns(frame: pd.DataFrame, how: Windows, path: Path) -> tuple[str, ...]:
    left_out = {how.label_column, _time_column(frame, how), *how.drop_columns}
    columns = tuple(str(name) for name in frame.columns if name not in left_out and is_numeric(frame[name]))
    if not columns:
        raise SafsError(
            f"{path} has no column of numbers beside the label and the time; it has {', '.join(frame.columns)}"
        )
    return columns


def _time_column(frame: pd.DataFrame, how: Windows) -> str:
    if how.time_column:
        return how.time_column
    return next((str(name) for name in frame.columns if str(name).lower() in TIMES), "")


def _segments(
    frame: pd.DataFrame, columns: tuple[str, ...], folder: str, how: Windows, path: Path, tally: Tally
) -> list[Rows]:
    lacking = [name for name in columns if name not in frame.columns]
    if lacking:
        raise SafsError(f"{path} lacks the column {lacking[0]!r}; it has {', '.join(frame.columns)}")
    known = {*columns, *how.drop_columns, how.label_column, _time_column(frame, how)}
    strange = [str(name) for name in frame.columns if name not in known and is_numeric(frame[name])]
    if strange and not how.columns:
        raise SafsError(
            f"{path} has the column {strange[0]!r}, which other files lack; name it in drop_columns, or those to use in columns"
        )
    values = np.stack([numbers(frame[name], path) for name in columns], 1)
    empty = np.isnan(values).all(0)
    if empty.any():
        raise SafsError(
            f"{path}: the column {columns[int(np.argmax(empty))]!r} has no value in any row; fill or drop it"
        )
    labels = _labels(frame, folder, how, path)
    times = _times(frame, how, path)
    if times is None:
        tally.untimed.append(path.name)
        breaks = np.zeros(len(values), bool)
    else:
        order = np.argsort(times, kind="stable")
        if not np.array_equal(order, np.arange(len(order))):
            tally.sorted.append(path.name)
        values, times, labels = values[order], times[order], [labels[i] for i in order]
        keep = _first_of_each(values, times, labels, path)
        tally.doubled += int((~keep).sum())
        values, times, labels = values[keep], times[keep], [name for name, k in zip(labels, keep, strict=True) if k]
        steps = np.diff(times)
        breaks = np.concatenate([[False], steps > GAP * np.median(steps)]) if len(steps) else np.zeros(1, bool)
        tally.gaps += int(breaks.sum())
    return _fill(values, labels, breaks, tally)


def _fill(values: NDArray[np.float64], labels: list[str], breaks: NDArray[np.bool_], tally: Tally) -> list[Rows]:
    """Fill missing values within stretches without a break, and cut at those that stay."""
    pieces = []
    edges = [0, *np.flatnonzero(breaks).tolist(), len(values)]
    for start, end in pairwise(edges):
        stretch = pd.DataFrame(values[start:end])
        filled = stretch.ffill(limit=FILL).to_numpy()
        whole = ~np.isnan(filled).any(1)
        tally.filled += int((stretch.isna().to_numpy() & ~np.isnan(filled)).sum())
        tally.dropped += int((~whole).sum())
        turns = np.flatnonzero(np.diff(np.concatenate([[False], whole, [False]]).astype(int)))
        for one, two in zip(turns[::2], turns[1::2], strict=True):
            pieces.append(Rows(filled[one:two], labels[start + one : start + two]))
    return pieces


def _labels(frame: pd.DataFrame, folder: str, how: Windows, path: Path) -> list[str]:
    if not how.label_column:
        if not folder:
            raise SafsError(f"{path} lies in no folder of a class; put it into one, or name a label_column")
        return [folder] * len(frame)
    if how.label_column in frame.columns:
        return texts(frame[how.label_column], path)
    if how.missing_label:
        return [how.missing_label] * len(frame)
    raise SafsError(
        f"{path} has no label column {how.label_column!r}; it has {', '.join(frame.columns)}. Name it in label_column, give "
        "missing_label for such files, or set label_column to '' where folders are the classes"
    )


def _times(frame: pd.DataFrame, how: Windows, path: Path) -> NDArray[np.float64] | None:
    """Time of each row, in seconds or in the unit of the column; None if there is no such column."""
    name = _time_column(frame, how)
    if not name:
        return None
    if name not in frame.columns:
        raise SafsError(f"{path} has no time column {name!r}; it has {', '.join(frame.columns)}")
    column = frame[name]
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        stamps = pd.to_datetime(column, utc=True)
    elif is_numeric(column):
        seconds = numbers(column, path)
        if np.isnan(seconds).any():
            raise SafsError(f"{path}, row {int(np.argmax(np.isnan(seconds))) + 1}: the time {name!r} is missing")
        return seconds
    else:
        stamps = pd.to_datetime(column.astype("string"), utc=True, format="ISO8601", errors="coerce")
    wrong = stamps.isna().to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise SafsError(
            f"{path}, row {row + 1}: the time {name!r} is {column.iloc[row]!r}; times are numbers or ISO 8601 (2026-01-31 23:59:59)"
        )
    return stamps.to_numpy("datetime64[ns]").astype(np.int64) / 1e9


def _first_of_each(
    values: NDArray[np.float64], times: NDArray[np.float64], labels: list[str], path: Path
) -> NDArray[np.bool_]:
    keep = np.ones(len(times), bool)
    for row in np.flatnonzero(np.diff(times) == 0) + 1:
        if not np.array_equal(values[row], values[row - 1], equal_nan=True) or labels[row] != labels[row - 1]:
            raise SafsError(
                f"{path} has two different rows of one time ({times[row]:.3f}); mend the clock or split the file"
            )
        keep[row] = False
    return keep


def _by_time(pieces: list[Rows], lacking: list[Part]) -> dict[Part, list[Rows]]:
    """Cut a file's rows in the order of time: first train, then the lacking parts, a fifth each."""
    total = sum(len(piece.labels) for piece in pieces)
    limits = [0.0, *(1 - SHARE * (len(lacking) - i) for i in range(len(lacking))), 1.0]
    homes: list[Part] = ["train", *lacking]
    dealt: dict[Part, list[Rows]] = {part: [] for part in homes}
    start = 0
    for piece in pieces:
        for part, low, high in zip(homes, limits[:-1], limits[1:], strict=True):
            one, two = (min(max(math.floor(total * share) - start, 0), len(piece.labels)) for share in (low, high))
            if one < two:
                dealt[part].append(Rows(piece.values[one:two], piece.labels[one:two]))
        start += len(piece.labels)
    return dealt


def _cut(segment: Rows, how: Windows, tally: Tally) -> Iterator[tuple[NDArray[np.float32], list[str]]]:
    """Windows [count, channels, length] and the class of each one's last row, a few at a time."""
    stride = how.stride or how.window
    if len(segment.labels) < how.window:
        tally.short += 1
        return
    views = np.lib.stride_tricks.sliding_window_view(segment.values, how.window, axis=0)[::stride]
    names = segment.labels[how.window - 1 :: stride]
    start = 0
    for chunk in chunks(views):  # [some, channels, length]
        yield chunk.astype(np.float32), names[start : start + len(chunk)]
        start += len(chunk)


def _notes(tally: Tally, columns: tuple[str, ...], how: Windows) -> tuple[str, ...]:
    def named(files: list[str]) -> str:
        return f"{len(files)} files, such as {files[0]}" if len(files) > 1 else files[0]

    notes: list[Any] = [
        f"channels: {', '.join(columns)}; windows of {how.window} rows, one every {how.stride or how.window}"
    ]
    if tally.filled:
        notes.append(f"{tally.filled} missing values took the last value before them, over up to {FILL} rows")
    if tally.dropped:
        notes.append(f"{tally.dropped} rows that still lacked a value were dropped; no window reaches over them")
    if tally.gaps:
        notes.append(f"{tally.gaps} gaps in time of more than {GAP:g} median steps; no window reaches over them")
    if tally.doubled:
        notes.append(f"{tally.doubled} rows that stood twice were dropped once")
    if tally.short:
        notes.append(f"{tally.short} stretches of rows are shorter than a window and were left out")
    if tally.sorted:
        notes.append(f"rows were sorted by time in {named(tally.sorted)}")
    if tally.untimed:
        notes.append(f"no time column in {named(tally.untimed)}; rows were taken to be evenly spaced")
    return tuple(notes)
