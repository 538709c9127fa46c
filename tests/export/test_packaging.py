import numpy as np
import torch
from torch import nn

from safs.data import load_info, load_part
from safs.data.tensors import as_inputs
from safs.export.packaging import make_package
from safs.files import fingerprint
from safs.mlops import pyfunc as by_torch
from safs.models import ModelSpec, fresh_model, save_model
from safs.runtime import pyfunc as by_runtime


def folded(shape: tuple[int, ...], classes: int) -> nn.Module:
    """A user's network with a layer that neither form covers."""
    channels, height, width = shape
    blocks = nn.Sequential(nn.PixelUnshuffle(2), nn.ReLU(), nn.Flatten())
    return nn.Sequential(blocks, nn.Linear(channels * height * width, classes))


def model_folder(data, folder, architecture):
    info = load_info(data)
    spec = ModelSpec(architecture, info.shape, info.classes, info.mean, info.std)
    torch.manual_seed(0)
    save_model(folder, fresh_model(spec), spec)
    return folder


def test_every_form_predicts_the_same(small_folder, tmp_path):
    model = model_folder(small_folder, tmp_path / "model", "lenet5")
    (tmp_path / "package").mkdir()
    forms = make_package(small_folder, model, tmp_path / "package")
    assert all(found["same_predictions"] == 1 for found in forms.values())
    assert fingerprint(tmp_path / "package" / "model") == fingerprint(model)
    images = as_inputs(load_part(small_folder, "validation").x[:40])
    wanted = by_torch._load_pyfunc(str(tmp_path / "package")).predict({"images": images})
    light = by_runtime._load_pyfunc(str(tmp_path / "package"))
    for given in (images, {"images": images}):
        np.testing.assert_allclose(light.predict(given), wanted, atol=1e-5)


def test_a_model_that_no_form_covers_is_still_packed_and_the_layer_named(small_folder, tmp_path):
    model = model_folder(small_folder, tmp_path / "model", f"{__name__}:folded")
    (tmp_path / "package").mkdir()
    forms = make_package(small_folder, model, tmp_path / "package")
    assert all("PixelUnshuffle is not covered" in found["missing"] for found in forms.values())
    assert not list((tmp_path / "package").glob("model.*"))
    images = as_inputs(load_part(small_folder, "validation").x[:4])
    assert by_torch._load_pyfunc(str(tmp_path / "package")).predict(images).shape[0] == 4
