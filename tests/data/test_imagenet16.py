import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from safs.data.imagenet16 import read_batch, read_imagenet16
from safs.errors import SafsError
from tests.data.archives import write_imagenet


def test_the_published_form_is_read_and_validation_comes_from_training(tmp_path: Path):
    write_imagenet(tmp_path)
    parts = read_imagenet16(tmp_path, 0)
    assert {part: examples.x.shape for part, examples in parts.items()} == {
        "train": (108, 3, 16, 16),
        "validation": (12, 3, 16, 16),
        "test": (12, 3, 16, 16),
    }
    with np.load(tmp_path / "val_data.npz") as official:
        assert np.array_equal(parts["test"].x.reshape(12, 768), official["data"])
        assert np.array_equal(parts["test"].y, official["labels"] - 1)
    training = set()
    for number in range(1, 11):
        with np.load(tmp_path / f"train_data_batch_{number}.npz") as batch:
            training |= {image.tobytes() for image in batch["data"]}
    assert {image.tobytes() for part in ("train", "validation") for image in parts[part].x} == training


def test_the_folders_of_the_download_and_names_without_suffix_will_do(tmp_path: Path):
    write_imagenet(tmp_path / "Imagenet16_train_npz")
    (tmp_path / "Imagenet16_val_npz").mkdir()
    (tmp_path / "Imagenet16_train_npz" / "val_data.npz").rename(tmp_path / "Imagenet16_val_npz" / "val_data")
    assert len(read_imagenet16(tmp_path, 0)["test"].y) == 12


def test_a_missing_file_is_named(tmp_path: Path):
    write_imagenet(tmp_path)
    (tmp_path / "train_data_batch_7.npz").unlink()
    with pytest.raises(SafsError, match=r"no train_data_batch_7\.npz in"):
        read_imagenet16(tmp_path, 0)


def test_the_pickled_form_is_refused_with_the_way_out(tmp_path: Path):
    write_imagenet(tmp_path)
    (tmp_path / "train_data_batch_3.npz").unlink()
    (tmp_path / "train_data_batch_3").write_bytes(pickle.dumps({"data": []}))
    with pytest.raises(SafsError, match=r"train_data_batch_3 is the pickled form.*npz form"):
        read_imagenet16(tmp_path, 0)


GOOD: dict[str, Any] = {"data": np.zeros((5, 768), np.uint8), "labels": np.arange(1, 6)}
BAD = {
    "32x32 pixels": {"data": np.zeros((5, 3072), np.uint8)},
    "floats": {"data": np.zeros((5, 768))},
    "another count": {"labels": np.arange(1, 5)},
    "labels from 0": {"labels": np.arange(5)},
    "too many classes": {"labels": np.arange(997, 1002)},
    "labels of text": {"labels": np.array(["a"] * 5)},
    "objects": {"labels": np.array([None] * 5)},
    "a single number": {"labels": np.array(3)},
    "nothing": {"data": np.zeros((0, 768), np.uint8), "labels": np.arange(0)},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_other_arrays_are_refused_by_file(tmp_path: Path, change: dict[str, Any]):
    path = tmp_path / "batch.npz"
    np.savez(path, **(GOOD | change))
    with pytest.raises(SafsError, match=r"batch\.npz"):
        read_batch(path)


def test_a_missing_array_is_refused(tmp_path: Path):
    np.savez(tmp_path / "batch.npz", data=GOOD["data"])
    with pytest.raises(SafsError, match=r"labels\.npy"):
        read_batch(tmp_path / "batch.npz")


def test_a_header_that_promises_too_much_takes_no_memory(tmp_path: Path):
    np.savez(tmp_path / "good.npz", **GOOD)
    with zipfile.ZipFile(tmp_path / "good.npz") as good, zipfile.ZipFile(tmp_path / "bad.npz", "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name).replace(b"(5, 768), }" + b" " * 9, b"(9999999999, 768), }"))
    with pytest.raises(SafsError, match=r"bad\.npz cannot be read: data\.npy is uint8 \(9999999999, 768\)"):
        read_batch(tmp_path / "bad.npz")


def test_a_header_that_python_cannot_read_is_a_safs_error(tmp_path: Path):
    np.savez(tmp_path / "good.npz", **GOOD)
    with zipfile.ZipFile(tmp_path / "good.npz") as good, zipfile.ZipFile(tmp_path / "bad.npz", "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name).replace(b"}", b" "))
    with pytest.raises(SafsError, match=r"bad\.npz"):
        read_batch(tmp_path / "bad.npz")


def test_a_member_that_unpacks_to_more_than_its_array_is_refused(tmp_path: Path):
    np.savez(tmp_path / "good.npz", **GOOD)
    with (
        zipfile.ZipFile(tmp_path / "good.npz") as good,
        zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in good.namelist():
            bomb.writestr(name, good.read(name) + bytes(10_000_000))
    with pytest.raises(SafsError, match=r"bomb\.npz cannot be read: data\.npy is uint8"):
        read_batch(tmp_path / "bomb.npz")


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_short_or_with_a_flipped_bit_is_a_safs_error(tmp_path: Path, compressed: bool):
    path = tmp_path / "batch.npz"
    (np.savez_compressed if compressed else np.savez)(path, **GOOD)
    raw = path.read_bytes()
    for length in range(0, len(raw), 97):
        path.write_bytes(raw[:length])
        with pytest.raises(SafsError, match=r"batch\.npz"):
            read_batch(path)
    damaged = bytearray(raw)
    damaged[100] ^= 255
    path.write_bytes(damaged)
    with pytest.raises(SafsError, match=r"batch\.npz"):
        read_batch(path)
