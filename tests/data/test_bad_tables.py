"""Bad tables: each gives an error that names the file and the rule, or a documented handling that is noted."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from safs.data import load_info
from safs.errors import SafsError
from safs.steps.prepare import prepare
from tests.data.own_data import image
from tests.data.tables import rows, runs, write

Change = Callable[[pd.DataFrame], Any]


def changed(change: Change, **arguments: Any) -> Callable[[Path], dict[str, Any]]:
    """Six sound files and one that is changed; of a text, the file's content."""

    def make(root: Path) -> dict[str, Any]:
        made = change(rows(seed=9))
        if isinstance(made, bytes):
            runs(root / "data")
            (root / "data" / "bad.csv").write_bytes(made)
        else:
            write(runs(root / "data") / "bad.csv", made)
        return {"dataset": str(root / "data"), "window": 8, **arguments}

    return make


def cell(column: str, value: Any, row: int = 4) -> Change:
    """One value changed."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({column: object})
        frame.loc[row, column] = value
        return frame

    return change


def text(change: Callable[[str], str], encoding: str = "utf-8") -> Change:
    return lambda frame: change(frame.to_csv(index=False, sep=";")).encode(encoding)


def at(frame: pd.DataFrame, seconds: list[int]) -> pd.DataFrame:
    """Rows at these seconds."""
    return frame.assign(datetime=pd.Timestamp("2026-01-01") + pd.to_timedelta(seconds, "s"))


def line(number: int, change: Callable[[str], str]) -> Change:
    def edit(content: str) -> str:
        lines = content.splitlines()
        lines[number] = change(lines[number])
        return "\n".join(lines)

    return text(edit)


def parquet(content: Callable[[Path], Any]) -> Callable[[Path], dict[str, Any]]:
    def make(root: Path) -> dict[str, Any]:
        runs(root / "data", suffix=".parquet")
        content(root / "data" / "bad.parquet")
        return {"dataset": str(root / "data"), "window": 8}

    return make


def truncated_parquet(path: Path) -> None:
    write(path, rows())
    path.write_bytes(path.read_bytes()[:-100])


def one_class(root: Path) -> dict[str, Any]:
    for number in range(4):
        write(root / "data" / f"{number}.csv", rows(seed=number, alarms=0))
    return {"dataset": str(root / "data"), "window": 8}


def strange_class(root: Path) -> dict[str, Any]:
    runs(root / "data" / "train")
    write(root / "data" / "test" / "a.csv", rows().assign(label=7))
    return {"dataset": str(root / "data"), "window": 8}


BAD: dict[str, tuple[Callable[[Path], dict[str, Any]], str]] = {
    "text in numbers": (changed(cell("p", "12a")), r"bad\.csv, row 5: 'p' is '12a', which is no number"),
    "decimal comma": (changed(cell("p", "1,5")), r"bad\.csv, row 5: 'p' is '1,5'"),
    "infinity": (changed(cell("p", "inf")), r"bad\.csv, row 5: 'p' is inf; numbers are finite"),
    "more than float32 holds": (changed(cell("p", 1e39)), r"row 5: 'p' is 1e\+39"),
    "a column without values": (changed(lambda f: f.assign(p=np.nan)), r"bad\.csv: the column 'p' has no value"),
    "a missing column": (changed(lambda f: f.drop(columns="q")), r"bad\.csv lacks the column 'q'"),
    "a further column": (changed(lambda f: f.assign(r=1.0)), r"bad\.csv has the column 'r', which other files lack"),
    "a missing label": (changed(cell("label", "")), r"bad\.csv, row 5: the label 'label' is missing"),
    "no label column": (changed(lambda f: f.drop(columns="label")), r"bad\.csv has no label column 'label'"),
    "a column of that name is not there": (changed(lambda f: f, columns=["z"]), "lacks the column 'z'"),
    "no time column of that name": (changed(lambda f: f, time_column="t"), "has no time column 't'"),
    "a time that is none": (changed(cell("datetime", "noon")), r"bad\.csv, row 5: the time 'datetime' is 'noon'"),
    "a date of another order": (changed(cell("datetime", "31.01.2026")), "ISO 8601"),
    "two rows of one time": (
        changed(lambda f: at(f, [*range(59), 58])),
        r"bad\.csv has two different rows of one time",
    ),
    "a ragged row": (changed(line(3, lambda row: row + ";1")), r"bad\.csv, row 3: 5 values for 4 columns"),
    "a short row": (changed(line(3, lambda row: row.rsplit(";", 1)[0])), r"row 3: 3 values for 4 columns"),
    "mixed delimiters": (changed(line(3, lambda row: row.replace(";", ","))), r"row 3: 1 values for 4 columns"),
    "an open quotation": (changed(line(3, lambda row: '"' + row)), r"bad\.csv (is not a sound CSV file|, row)"),
    "a column named twice": (changed(text(lambda t: t.replace("q", "p", 1))), "column 'p' stands twice"),
    "a column without a name": (changed(text(lambda t: t.replace("q", "", 1))), "stands twice or has no name"),
    "not UTF-8": (changed(text(lambda t: t.replace("q", "ü", 1), "latin-1")), r"bad\.csv is not UTF-8"),
    "a null byte": (changed(text(lambda t: t + "\0")), r"bad\.csv has a null byte"),
    "zero bytes": (changed(lambda f: b""), r"bad\.csv is empty"),
    "a header alone": (changed(lambda f: f[:0]), r"bad\.csv has no rows"),
    "truncated Parquet": (parquet(truncated_parquet), r"bad\.parquet is damaged or not a Parquet file"),
    "text named .parquet": (parquet(lambda p: p.write_text("hello")), r"bad\.parquet is damaged or not a Parquet file"),
    "only text": (changed(lambda f: f, drop_columns=["p", "q"]), "has no column of numbers"),
    "a window longer than any file": (changed(lambda f: f, window=100), "no window of 100 rows fits"),
    "one class": (one_class, r"has 1 class \(0\)"),
    "a class in test that training lacks": (
        strange_class,
        "the test part has class '7', which the training part lacks",
    ),
    "two files": (lambda root: {"dataset": str(runs(root / "d", 2)), "window": 8}, "has 2 groups"),
    "a table beside the parts": (
        lambda root: (runs(root / "d" / "train"), write(root / "d" / "x.csv", rows()), {"dataset": str(root / "d")})[2],
        "lies beside the training part",
    ),
    "images among tables": (
        lambda root: (image(runs(root / "d") / "a" / "1.png"), {"dataset": str(root / "d")})[1],
        "holds images and tables",
    ),
    "no folder of a class": (changed(lambda f: f, label_column=""), "lies in no folder of a class"),
    "an unknown normal class": (changed(lambda f: f, normal_class="fine"), "unknown normal_class 'fine'"),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD)
def test_a_bad_table_is_refused_by_name_and_rule(make: Callable[[Path], dict[str, Any]], message: str, tmp_path: Path):
    with pytest.raises(SafsError, match=message):
        prepare(tmp_path / "out", **make(tmp_path))
    assert not (tmp_path / "out").exists()


def gap(frame: pd.DataFrame) -> pd.DataFrame:
    return at(frame, [*range(30), *range(100, 130)])


def holes(length: int) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[10 : 10 + length - 1, "p"] = np.nan
        return frame

    return change


ACCEPTED: dict[str, tuple[Callable[[Path], dict[str, Any]], str]] = {
    "rows out of order": (changed(lambda f: f[::-1]), r"rows were sorted by time in bad\.csv"),
    "rows that stand twice": (changed(lambda f: pd.concat([f, f[5:8]])), "3 rows that stood twice were dropped once"),
    "a few missing values": (changed(holes(3)), "3 missing values took the last value before them"),
    "many missing values": (changed(holes(9)), "4 rows that still lacked a value were dropped"),
    "a gap in time": (changed(gap), "1 gaps in time"),
    "a clock set back": (changed(lambda f: at(f, [*range(30), *range(-30, 0)])), "rows were sorted by time"),
    "a file shorter than a window": (changed(lambda f: f[:5]), "1 stretches of rows are shorter than a window"),
    "no time": (changed(lambda f: f.drop(columns="datetime")), r"no time column in bad\.csv"),
    "a file without labels": (
        changed(lambda f: f.drop(columns="label"), missing_label="0"),
        "channels: p, q; windows of 8 rows, one every 8",
    ),
}


@pytest.mark.parametrize(("make", "note"), ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_taken_by_a_rule_is_noted(make: Callable[[Path], dict[str, Any]], note: str, tmp_path: Path):
    prepare(tmp_path / "out", **make(tmp_path))
    assert any(re.search(note, line) for line in load_info(tmp_path / "out").notes)
