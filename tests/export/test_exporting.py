from pathlib import Path

import pytest
import torch

from safs.data import load_info
from safs.errors import SafsError
from safs.export.checking import check_equal
from safs.files import read_json
from safs.models import ModelSpec, fresh_model, load_model, save_model
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks
from safs.runtime.reader import read
from safs.steps.export import export


@pytest.mark.parametrize("values", ["float32", "float16"])
def test_a_model_is_exported_and_its_file_is_smaller(small_folder, sparse_folder, tmp_path, values):
    summary = export(small_folder, fitting(sparse_folder, small_folder, tmp_path), tmp_path / "out", values=values)
    assert summary == read_json(tmp_path / "out" / "export.json")
    assert summary["relative_error"] <= {"float32": 1e-5, "float16": 1e-2}[values]
    assert summary["bytes"] == (tmp_path / "out" / "model.safs").stat().st_size
    assert summary["times_smaller"] > 3
    assert read(tmp_path / "out" / "model.safs").classes == load_info(small_folder).classes


def test_the_same_model_as_onnx(small_folder, sparse_folder, tmp_path):
    pytest.importorskip("onnx", reason="the form onnx is an extra: safs[onnx]")
    model = fitting(sparse_folder, small_folder, tmp_path)
    summary = export(small_folder, model, tmp_path / "out", form="onnx")
    assert summary["relative_error"] <= 1e-5
    assert summary["bytes"] == (tmp_path / "out" / "model.onnx").stat().st_size
    with pytest.raises(SafsError, match="float32 weights only"):
        export(small_folder, model, tmp_path / "other", form="onnx", values="float16")


def fitting(sparse_folder: Path, data: Path, tmp_path: Path) -> Path:
    """A sparse model for the images of a data set."""
    _, spec = load_model(sparse_folder)
    info = load_info(data)
    fitted = ModelSpec(spec.architecture, info.shape, info.classes, info.mean, info.std, {"act1": "swish"}, seed=1)
    model = fresh_model(fitted)
    apply_masks(model, make_masks(model, 0.9))
    save_model(tmp_path / "model", model, fitted)
    return tmp_path / "model"


def test_data_of_another_size_is_refused(small_folder, tmp_path):
    spec = ModelSpec("lenet5", (3, 32, 32), ("a", "b"), (0.0,) * 3, (1.0,) * 3)
    save_model(tmp_path / "model", fresh_model(spec), spec)
    with pytest.raises(SafsError, match="name its data set"):
        export(small_folder, tmp_path / "model", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_export_that_is_off_is_not_kept():
    wanted = torch.tensor([[1.0, -2.0]]).numpy()
    assert check_equal(wanted + 1e-6, wanted, 1e-5) == pytest.approx(5e-7, rel=0.1)
    for wrong in (wanted + 1e-4, wanted * float("nan")):
        with pytest.raises(SafsError, match="it was not kept"):
            check_equal(wrong, wanted, 1e-5)
