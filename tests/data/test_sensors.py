"""Tables of sensor rows as windows, read through prepare."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from safs.data import PARTS, Examples, load_info, load_part
from safs.data.tensors import load_tensors
from safs.errors import SafsError
from safs.steps.prepare import prepare
from tests.data.tables import rows, runs, write


def parts(folder: Path) -> dict[str, Examples]:
    return {part: load_part(folder, part) for part in PARTS}


def windows_of(frame: pd.DataFrame, window: int, stride: int) -> set[tuple[bytes, str]]:
    """Bytes and label of every window of a table, by the plainest loop."""
    values = frame[["p", "q"]].to_numpy(np.float32)
    starts = range(0, len(frame) - window + 1, stride)
    return {(values[s : s + window].T.tobytes(), str(frame["label"].iloc[s + window - 1])) for s in starts}


def windows_in(folder: Path, part: Any) -> set[tuple[bytes, str]]:
    classes, examples = load_info(folder).classes, load_part(folder, part)
    return {(x.tobytes(), classes[label]) for x, label in zip(examples.x, examples.y, strict=True)}


@pytest.mark.parametrize("stride", [0, 3])
def test_rows_become_windows_with_the_class_of_their_last_row(tmp_path: Path, stride: int):
    data = runs(tmp_path / "data", float_format="%.17g")
    prepare(tmp_path / "out", dataset=str(data), window=8, stride=stride)
    info = load_info(tmp_path / "out")
    assert (info.shape, info.classes, info.normal) == ((2, 8), ("0", "1"), "0")
    expected = set().union(*(windows_of(rows(seed=seed), 8, stride or 8) for seed in range(6)))
    assert set().union(*(windows_in(tmp_path / "out", part) for part in PARTS)) == expected
    assert sum(info.sizes.values()) == len(expected)
    assert load_part(tmp_path / "out", "train").x.dtype == np.float32


def test_windows_of_one_file_never_stand_on_both_sides(tmp_path: Path):
    prepare(tmp_path / "out", dataset=str(runs(tmp_path / "data", 9)), window=8, stride=2)
    homes = {}
    for seed in range(9):
        of_file = windows_of(rows(seed=seed), 8, 2)
        homes[seed] = [part for part in PARTS if windows_in(tmp_path / "out", part) & of_file]
    assert all(len(home) == 1 for home in homes.values())
    assert {home[0] for home in homes.values()} == set(PARTS)


def test_a_split_by_time_goes_from_the_past_to_the_future(tmp_path: Path):
    frame = rows(200).assign(p=np.arange(200.0), label=np.arange(200) // 5 % 2)
    write(tmp_path / "data" / "a.csv", frame)
    prepare(tmp_path / "out", dataset=str(tmp_path / "data"), window=10, stride=1, split_by="time")
    times = {part: examples.x[:, 0] for part, examples in parts(tmp_path / "out").items()}
    assert times["train"].min() == 0
    assert times["train"].max() < 120 <= times["validation"].min()
    assert times["validation"].max() < 160 <= times["test"].min()
    assert times["test"].max() == 199


def test_no_window_reaches_over_a_gap_or_a_dropped_row(tmp_path: Path):
    frame = rows(100).assign(p=np.arange(100.0))
    frame.loc[60:99, "datetime"] += pd.Timedelta("1h")
    frame.loc[20:29, "q"] = np.nan
    for number in range(5):
        write(tmp_path / "data" / f"{number}.csv", frame.assign(q=frame["q"] + number))
    prepare(tmp_path / "out", dataset=str(tmp_path / "data"), window=6, stride=1)
    for examples in parts(tmp_path / "out").values():
        assert (np.diff(examples.x[:, 0], axis=1) == 1).all()  # consecutive rows
        firsts = examples.x[:, 0, 0]
        assert not ((firsts > 54) & (firsts < 60)).any()
        assert not ((firsts > 19) & (firsts < 30)).any()  # rows 20 to 24 took the value of row 19


def test_the_normalisation_comes_from_the_training_part_alone(tmp_path: Path):
    runs(tmp_path / "data" / "train", 5)
    write(tmp_path / "data" / "test" / "x.csv", rows(seed=8).assign(p=1e6))
    prepare(tmp_path / "out", dataset=str(tmp_path / "data"), window=8, scaling="deviation")
    info, x = load_info(tmp_path / "out"), load_part(tmp_path / "out", "train").x.astype(np.float64)
    np.testing.assert_allclose(info.mean, x.mean((0, 2)))
    np.testing.assert_allclose(info.std, x.std((0, 2)))
    normalised = load_tensors(tmp_path / "out", "train").x
    torch.testing.assert_close(normalised.mean((0, 2)), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(normalised.std((0, 2), correction=0), torch.ones(2), atol=1e-4, rtol=0)


def test_ranks_keep_what_happens_within_a_state_beside_another_state(tmp_path: Path):
    for number in range(6):
        frame = rows(seed=number)
        write(tmp_path / "data" / f"{number}.csv", frame.assign(p=frame["p"] + 1000 * (number % 2)))
    for scaling in ("ranks", "deviation"):
        prepare(tmp_path / scaling, dataset=str(tmp_path / "data"), window=8, stride=1, scaling=scaling)
    x = load_part(tmp_path / "ranks", "train").x
    low = x[:, 0].max(1) < 500
    apart = {}
    for scaling in ("ranks", "deviation"):
        scaled = load_tensors(tmp_path / scaling, "train").x.numpy()
        np.testing.assert_allclose(scaled.mean((0, 2)), 0, atol=1e-4)
        np.testing.assert_allclose(scaled.std((0, 2)), 1, atol=1e-4)
        apart[scaling] = scaled[low, 0].std()
    assert low.any()
    assert not low.all()
    assert apart["ranks"] > 0.3
    assert apart["deviation"] < 0.01
    raw, scaled = x[:, 0].ravel(), load_tensors(tmp_path / "ranks", "train").x.numpy()[:, 0].ravel()
    assert (np.diff(scaled[np.argsort(raw, kind="stable")]) >= 0).all()  # the order stays


@pytest.mark.parametrize("form", ["parquet", "comma", "other names"])
def test_one_content_has_one_fingerprint_whatever_its_form(tmp_path: Path, form: str):
    first = prepare(tmp_path / "one", dataset=str(runs(tmp_path / "a", float_format="%.17g")), window=8)
    if form == "parquet":
        data = runs(tmp_path / "b", suffix=".parquet")
    else:
        data = runs(tmp_path / "b", sep=",", float_format="%.17g")
    if form == "other names":
        for path in sorted(data.iterdir()):
            path.rename(path.with_name(f"run-{9 - int(path.stem)}.csv"))
    assert prepare(tmp_path / "two", dataset=str(data), window=8)["fingerprint"] == first["fingerprint"]
    write(data / f"extra{sorted(data.iterdir())[0].suffix}", rows(seed=77))
    assert prepare(tmp_path / "three", dataset=str(data), window=8)["fingerprint"] != first["fingerprint"]


def test_a_folder_may_be_the_class_of_its_files(tmp_path: Path):
    for name in ("normal", "worn out"):
        for number in range(4):
            seed = 10 * len(name) + number
            write(tmp_path / "data" / name / f"{number}.csv", rows(seed=seed).drop(columns="label"))
    prepare(tmp_path / "out", dataset=str(tmp_path / "data"), window=8, label_column="")
    info = load_info(tmp_path / "out")
    assert (info.classes, info.normal) == (("normal", "worn out"), "normal")


def test_columns_are_taken_in_the_order_they_are_named(tmp_path: Path):
    data = str(runs(tmp_path / "data"))
    prepare(tmp_path / "one", dataset=data, window=8)
    prepare(tmp_path / "two", dataset=data, window=8, columns=["q", "p"])
    prepare(tmp_path / "three", dataset=data, window=8, drop_columns=["p"])
    one, two, three = (load_info(tmp_path / name) for name in ("one", "two", "three"))
    assert one.mean == two.mean[::-1] or np.allclose(sorted(one.mean), sorted(two.mean), atol=0.5)
    assert (one.shape, two.shape, three.shape) == ((2, 8), (2, 8), (1, 8))
    assert "channels: q, p" in two.notes[0]


def test_rare_classes_are_drawn_as_often_as_others(tmp_path: Path):
    for number in range(6):
        write(tmp_path / "data" / f"{number}.csv", rows(200, seed=number, alarms=0.1))
    prepare(tmp_path / "out", dataset=str(tmp_path / "data"), window=5, stride=1, balance=True)
    training, validation = (load_tensors(tmp_path / "out", part) for part in ("train", "validation"))
    drawn = training.y[training.order(torch.Generator().manual_seed(0))]
    assert len(drawn) == len(training.y)
    assert training.y.float().mean() < 0.15
    assert 0.45 < drawn.float().mean() < 0.55
    assert validation.weights is None
    assert sorted(validation.order(torch.Generator().manual_seed(0)).tolist()) == list(range(len(validation.y)))


table = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["0", "1"])), min_size=1, max_size=20)


@settings(max_examples=40)
@given(st.lists(table, min_size=1, max_size=5), st.integers(1, 6), st.integers(0, 3))
def test_tables_are_refused_or_read_back_as_they_are(
    tmp_path_factory: pytest.TempPathFactory, tables: list[Any], window: int, stride: int
):
    root, expected = tmp_path_factory.mktemp("random"), []
    for number, content in enumerate(tables):
        values = np.array([value for value, _ in content], np.float32)
        labels = [label for _, label in content]
        write(root / "data" / f"{number}.csv", pd.DataFrame({"p": values, "label": labels}), sep=",")
        starts = range(0, len(values) - window + 1, stride or window)
        expected += [(values[one : one + window].tobytes(), labels[one + window - 1]) for one in starts]
    try:
        prepare(root / "out", dataset=str(root / "data"), window=window, stride=stride)
    except SafsError:
        assert not (root / "out").exists()
    else:
        classes = load_info(root / "out").classes
        read = [(x.tobytes(), classes[y]) for e in parts(root / "out").values() for x, y in zip(e.x, e.y, strict=True)]
        assert sorted(read) == sorted(expected)
