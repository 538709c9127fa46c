from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from safs.data import PARTS, DatasetInfo, Examples, Part, load_info, load_part, save_dataset
from safs.errors import SafsError
from safs.files import read_json, write_json

Parts = dict[Part, Examples]


def some_parts() -> Parts:
    random = np.random.default_rng(0)
    sizes: dict[Part, int] = {"train": 7, "validation": 5, "test": 3}
    return {
        part: Examples(random.integers(0, 256, (n, 2, 4, 3), np.uint8), random.integers(0, 3, n, np.int64))
        for part, n in sizes.items()
    }


def save(folder: Path, parts: Parts, classes: tuple[str, ...] = ("a", "b", "c")) -> DatasetInfo:
    return save_dataset(folder, "some", "made for a test", classes, parts)


def test_save_and_load_is_the_identity(tmp_path: Path):
    parts = some_parts()
    info = save(tmp_path, parts)
    assert load_info(tmp_path) == info
    assert info.shape == (2, 4, 3)
    assert info.sizes == {"train": 7, "validation": 5, "test": 3}
    assert len(info.mean) == len(info.std) == 2
    for part in PARTS:
        loaded = load_part(tmp_path, part)
        for one, two in ((loaded.x, parts[part].x), (loaded.y, parts[part].y)):
            assert one.dtype == two.dtype
            assert np.array_equal(one, two)


def test_the_fingerprint_is_the_same_when_made_twice(tmp_path: Path):
    assert save(tmp_path / "one", some_parts()).fingerprint == save(tmp_path / "two", some_parts()).fingerprint


def test_the_fingerprint_does_not_depend_on_memory_order(tmp_path: Path):
    parts = some_parts()
    turned = {part: Examples(np.asfortranarray(e.x), e.y) for part, e in parts.items()}
    assert save(tmp_path / "one", parts).fingerprint == save(tmp_path / "two", turned).fingerprint


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("what", ["pixel", "label"])
def test_the_fingerprint_changes_with_one_pixel_or_label(tmp_path: Path, part: Part, what: str):
    parts = some_parts()
    before = save(tmp_path / "one", parts).fingerprint
    if what == "pixel":
        parts[part].x[-1, -1, -1, -1] ^= 1
    else:
        parts[part].y[-1] = (parts[part].y[-1] + 1) % 3
    assert save(tmp_path / "two", parts).fingerprint != before


def test_the_fingerprint_changes_with_the_classes(tmp_path: Path):
    one, two = save(tmp_path / "one", some_parts()), save(tmp_path / "two", some_parts(), ("a", "b", "d"))
    assert one.fingerprint != two.fingerprint


@pytest.mark.parametrize("part", PARTS)
def test_an_empty_part_is_refused(tmp_path: Path, part: Part):
    parts = some_parts()
    parts[part] = Examples(parts[part].x[:0], parts[part].y[:0])
    with pytest.raises(SafsError, match=f"the {part} part has images"):
        save(tmp_path / "data", parts)


@pytest.mark.parametrize("part", PARTS)
def test_images_without_labels_are_refused(tmp_path: Path, part: Part):
    parts = some_parts()
    parts[part] = replace(parts[part], y=parts[part].y[:-1])
    with pytest.raises(SafsError, match=f"the {part} part has images"):
        save(tmp_path / "data", parts)


def test_parts_of_different_shapes_are_refused(tmp_path: Path):
    parts = some_parts()
    parts["test"] = replace(parts["test"], x=parts["test"].x[:, :1])
    with pytest.raises(SafsError, match="the test part has images"):
        save(tmp_path / "data", parts)


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_out_of_range_is_refused_by_name(tmp_path: Path, label: int):
    parts = some_parts()
    parts["validation"].y[2] = label
    with pytest.raises(SafsError, match=rf"a label of the validation part is {label}, there are 3 classes"):
        save(tmp_path / "data", parts)


def test_mean_and_std_are_kept(tmp_path: Path):
    info = save_dataset(tmp_path, "some", "a test", ("a", "b", "c"), some_parts(), (0.4, 0.5), (0.2, 0.1))
    assert (info.mean, info.std) == ((0.4, 0.5), (0.2, 0.1))
    assert load_info(tmp_path) == info


@pytest.mark.parametrize(("mean", "std"), [((0.5,), (1.0, 1.0)), ((0.5, 0.5), (1.0,)), ((0.5, 0.5), (1.0, 0.0))])
def test_mean_and_std_that_do_not_fit_are_refused(tmp_path: Path, mean: tuple[float, ...], std: tuple[float, ...]):
    with pytest.raises(SafsError, match="must have 2 values"):
        save_dataset(tmp_path, "some", "a test", ("a", "b", "c"), some_parts(), mean, std)


def test_a_missing_data_set_is_a_safs_error(tmp_path: Path):
    with pytest.raises(SafsError, match=r"dataset\.json does not exist"):
        load_info(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: [raw],
        lambda raw: None,
        lambda raw: {**raw, "extra": 1},
        lambda raw: {**raw, "mean": 0.5},
        *(lambda raw, name=name: {k: v for k, v in raw.items() if k != name} for name in ("shape", "sizes", "name")),
    ],
)
def test_a_description_that_is_none_is_a_safs_error(tmp_path: Path, change: Any):
    save(tmp_path, some_parts())
    write_json(tmp_path / "dataset.json", change(read_json(tmp_path / "dataset.json")))
    with pytest.raises(SafsError, match=r"dataset\.json"):
        load_info(tmp_path)


@pytest.mark.parametrize("name", ["train_x.npy", "train_y.npy"])
@pytest.mark.parametrize("left", [None, 0, 5, 60, -1])
def test_an_array_that_is_missing_or_cut_short_is_a_safs_error(tmp_path: Path, name: str, left: int | None):
    save(tmp_path, some_parts())
    file = tmp_path / name
    if left is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(SafsError, match="the train part of the data set"):
        load_part(tmp_path, "train")


@pytest.mark.parametrize("content", [b"PK\x03\x04 not a zip file", b"garbage", b"\x80\x04N."])
def test_a_file_that_is_no_array_is_a_safs_error(tmp_path: Path, content: bytes):
    save(tmp_path, some_parts())
    (tmp_path / "train_x.npy").write_bytes(content)
    with pytest.raises(SafsError, match="the train part of the data set"):
        load_part(tmp_path, "train")
