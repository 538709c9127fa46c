"""Batches of production inputs, in every form, with labels and without."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from safs.data.forms import Windows
from safs.errors import SafsError
from safs.monitoring.batch import read_batch
from safs.monitoring.limits import Limits, read_limits
from safs.monitoring.quality import faults_of
from safs.reference.profile import make_profile

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (60, 1, 8, 8), np.uint8)
LABELS = RANDOM.integers(0, 2, 60)
SHAPE, CLASSES = (1, 8, 8), ("a", "b")
WINDOWS = Windows()


def read(path: Path, shape: tuple[int, ...] = SHAPE):
    return read_batch(str(path), shape, CLASSES, WINDOWS)


def test_an_npz_file_with_labels_and_without(tmp_path: Path):
    np.savez(tmp_path / "bare.npz", x=PIXELS)
    np.savez(tmp_path / "labelled.npz", x=PIXELS, y=LABELS)
    bare, labelled = read(tmp_path / "bare.npz"), read(tmp_path / "labelled.npz")
    np.testing.assert_allclose(bare.x, PIXELS / 255, rtol=1e-6)
    assert bare.labels is None
    assert labelled.labels is not None
    np.testing.assert_array_equal(labelled.labels, LABELS)
    assert bare.fingerprint == labelled.fingerprint, "labels that arrive later belong to the same batch"
    np.savez(tmp_path / "strange.npz", x=PIXELS, y=np.full(60, "c"))
    with pytest.raises(SafsError, match="unknown class 'c'"):
        read(tmp_path / "strange.npz")


def test_a_folder_of_images_flat_or_by_class(tmp_path: Path):
    for index, pixels in enumerate(PIXELS):
        for path in (tmp_path / "flat", tmp_path / "sorted" / CLASSES[LABELS[index]]):
            path.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels[0]).save(path / f"{index:02}.png")
    flat, by_class = read(tmp_path / "flat"), read(tmp_path / "sorted")
    np.testing.assert_allclose(flat.x, PIXELS / 255, rtol=1e-6)
    assert flat.labels is None
    assert by_class.labels is not None
    assert by_class.labels.tolist() == sorted(LABELS.tolist())
    (tmp_path / "flat" / "torn.png").write_bytes(b"no image")
    torn = read(tmp_path / "flat")
    assert len(torn.x) == 60
    assert "torn.png" in torn.unreadable[0]


def test_a_parquet_table_with_labels_and_without(tmp_path: Path):
    rows = pd.DataFrame(RANDOM.normal(size=(80, 3)), columns=["x", "y", "z"])
    rows.to_parquet(tmp_path / "bare.parquet")
    rows.assign(label="b").to_parquet(tmp_path / "labelled.parquet")
    bare, labelled = (read(tmp_path / f"{name}.parquet", (3, 8)) for name in ("bare", "labelled"))
    assert bare.x.shape == labelled.x.shape == (10, 3, 8)
    np.testing.assert_allclose(bare.x[0], rows.to_numpy(np.float32)[:8].T)
    assert bare.labels is None
    assert labelled.labels is not None
    assert labelled.labels.tolist() == [1] * 10


def test_faults_of_the_data_are_told_from_drift(tmp_path: Path):
    x = PIXELS.astype(np.float32) / 255
    profile = make_profile(x, RANDOM.dirichlet(np.ones(2), 60).astype(np.float32), LABELS, CLASSES)

    def faults(pixels) -> str:
        np.savez(tmp_path / "batch.npz", x=pixels)
        return "; ".join(faults_of(read(tmp_path / "batch.npz"), profile, Limits()))

    assert faults(PIXELS) == ""
    assert "20 examples, at least 50" in faults(PIXELS[:20])
    assert "the model takes (1, 8, 8)" in faults(RANDOM.integers(0, 256, (60, 1, 9, 9), np.uint8))
    assert "one value everywhere" in faults(np.concatenate([PIXELS, np.zeros((3, 1, 8, 8), np.uint8)]))
    assert "equal to an earlier one" in faults(np.concatenate([PIXELS, PIXELS]))


def test_limits_come_from_a_file_and_are_checked(tmp_path: Path):
    assert read_limits(None) == Limits()
    assert Limits().level == pytest.approx(1 / 365)
    file = tmp_path / "limits.yaml"
    file.write_text("false_alarms: 2\nbatches: 100\n")
    assert read_limits(file).level == 0.02
    file.write_text("false_alarm: 2\n")
    with pytest.raises(SafsError, match="did you mean 'false_alarms'"):
        read_limits(file)
