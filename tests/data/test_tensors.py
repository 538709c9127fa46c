from pathlib import Path

import numpy as np
import pytest
import torch

from safs.data import load_part
from safs.data.tensors import load_tensors, normalise
from safs.errors import SafsError
from safs.files import read_json, write_json
from tests.chain import SIZES, copy_of


def test_tensors_are_the_arrays_as_fractions(small_folder: Path):
    examples, tensors = load_part(small_folder, "validation"), load_tensors(small_folder, "validation")
    assert tensors.x.dtype is torch.float32
    assert tensors.y.dtype is torch.int64
    np.testing.assert_allclose(tensors.x.numpy(), examples.x / 255, rtol=1e-6)
    assert np.array_equal(tensors.y.numpy(), examples.y)


def test_pixels_are_normalised_by_channel():
    pixels = torch.ones(2, 2, 3, 3) * torch.tensor([0.5, 1.0]).view(1, 2, 1, 1)
    normalised = normalise(pixels, (0.5, 0.2), (1.0, 0.4))
    torch.testing.assert_close(normalised[:, 0], torch.zeros(2, 3, 3))
    torch.testing.assert_close(normalised[:, 1], torch.full((2, 3, 3), 2.0))


def test_the_normalisation_of_the_description_is_used(small_folder: Path, tmp_path: Path):
    folder = copy_of(small_folder, tmp_path / "data")
    write_json(folder / "dataset.json", {**read_json(folder / "dataset.json"), "mean": [0.5], "std": [0.25]})
    x = load_part(folder, "train").x / 255
    np.testing.assert_allclose(load_tensors(folder, "train").x.numpy(), (x - 0.5) / 0.25, atol=1e-5)


N = SIZES["train"]
WRONG = {
    "x of another rank": ("x", np.zeros((N, 28), np.uint8)),
    "x of another size": ("x", np.zeros((N, 1, 20, 20), np.uint8)),
    "x of fewer images": ("x", np.zeros((N - 1, 1, 28, 28), np.uint8)),
    "x of another type": ("x", np.zeros((N, 1, 28, 28), np.float64)),
    "y of fewer labels": ("y", np.zeros(N - 1, np.int64)),
    "y of another rank": ("y", np.zeros((N, 1), np.int64)),
    "y of another type": ("y", np.zeros(N, np.float32)),
    "y of another byte order": ("y", np.zeros(N, ">i8")),
    "y of another kind": ("y", np.zeros(N, "<m8")),
    "y of too many classes": ("y", np.full(N, 10, np.int64)),
    "y of negative classes": ("y", np.full(N, -1, np.int64)),
}


@pytest.mark.parametrize(("which", "array"), WRONG.values(), ids=WRONG)
def test_an_array_that_is_not_the_one_described_is_a_safs_error(
    small_folder: Path, tmp_path: Path, which: str, array: np.ndarray
):
    folder = copy_of(small_folder, tmp_path / "data")
    np.save(folder / f"train_{which}.npy", array)
    with pytest.raises(SafsError, match="train"):
        load_tensors(folder, "train")
