"""The steps with a network of the user's own, whose activations are functions."""

from pathlib import Path

import pytest

from safs.errors import SafsError
from safs.files import read_json
from safs.models import load_model, load_spec
from safs.steps.finetune import finetune
from safs.steps.names import check_names
from safs.steps.pretrain import pretrain
from safs.steps.prune import prune
from safs.steps.search import search
from tests.chain import FINETUNE, SEARCH

MINE = "tests.models.factories:Mine"


def test_the_baseline_has_the_models_own_operators(small_folder: Path, tmp_path: Path):
    dense, pruned, found, tuned = (tmp_path / name for name in ("dense", "pruned", "found", "tuned"))
    pretrain(small_folder, dense, model=MINE, seeds=[0], dense_epochs=1)
    assert load_spec(dense / "seed-0").activations == {}
    prune(small_folder, dense, pruned, sparsity=0.5)
    search(small_folder, pruned, found, **{**SEARCH, "candidates": 1})
    assert read_json(found / "seed-0.json")["activations"] == {"silu": "swish"}  # the first candidate
    finetune(small_folder, pruned, found, tuned, **{**FINETUNE, "trials": 1, "epochs": 1})
    for variant in ("relu", "stage2"):
        model, spec = load_model(tuned / "seed-0" / variant)
        assert spec.activations == {"silu": "swish"}
        assert model.silu.operator.name == "swish"


def test_excluded_sites_are_kept_in_the_model(small_folder: Path, tmp_path: Path):
    out = tmp_path / "dense"
    pretrain(small_folder, out, model="lenet5", seeds=[0], dense_epochs=1, excluded_sites=["act1", "act[34]"])
    assert load_spec(out / "seed-0").excluded == ("act1", "act[34]")
    prune(small_folder, out, tmp_path / "pruned", sparsity=0.5)
    search(small_folder, tmp_path / "pruned", tmp_path / "found", **{**SEARCH, "candidates": 1})
    assert read_json(tmp_path / "found" / "seed-0.json")["activations"] == {"act2": "relu"}


@pytest.mark.parametrize("model", ["vgg16", MINE])
def test_models_are_known_before_the_first_step(model: str):
    check_names({"dataset": "digits", "data_root": "", "operators": [], "model": model})


def test_a_model_that_nothing_knows_is_refused_before_the_first_step():
    with pytest.raises(SafsError, match="cannot be imported"):
        check_names({"dataset": "digits", "data_root": "", "operators": [], "model": "nowhere.models:Mine"})
