"""The whole method on a GPU: by the steps, and on a user's model that is there already."""

from pathlib import Path

import pytest
import torch

import safs
from safs.activations import activation_sites
from safs.data.tensors import load_tensors
from safs.files import read_json
from safs.models import load_model
from safs.pruning.masks import mask_fingerprint, weights_left
from safs.searching.study import FILE
from safs.sparsification.plan import Plan
from safs.steps.finetune import finetune
from safs.steps.pretrain import pretrain
from safs.steps.prune import prune
from safs.steps.search import search
from safs.training.settings import Compute
from safs.training.trainer import measure

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
GPU = {"device": "cuda"}
ALL, LEFT = 44_190, 4_419  # weights of LeNet-5, and 10% of them


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_steps(small_folder: Path, tmp_path: Path, precision: str):
    dense, sparse, found, tuned = (tmp_path / name for name in ("dense", "sparse", "found", "tuned"))
    half = {**GPU, "precision": precision}
    pretrain(small_folder, dense, seeds=[0], dense_epochs=4, learning_rate=5e-3, augment="crop-flip", **half)
    prune(small_folder, dense, sparse, sparsity=0.9, prune_schedule="gradual", prune_epochs=3, coverage=True, **GPU)
    budget = {"candidates": 4, "search_epochs": 2, "min_epochs": 1, "operators": ["relu", "tanh", "srs", "swish"]}
    search(small_folder, sparse, found, **budget, **GPU)
    finetune(small_folder, sparse, found, tuned, trials=3, trial_epochs=2, epochs=3, insight_every=1, **half)
    assert read_json(sparse / "seed-0" / "audit.json")["kept"] == LEFT
    masks = {mask_fingerprint(load_model(sparse / "seed-0")[0])}
    for folder in sorted((tuned / "seed-0").iterdir()):
        model, _ = load_model(folder)
        assert weights_left(model) == (LEFT, ALL)
        masks.add(mask_fingerprint(model))
        score = measure(model, load_tensors(small_folder, "validation"))  # on the CPU
        assert read_json(folder / "training.json")["validation_accuracy"] == pytest.approx(score.accuracy, abs=0.011)
    assert len(masks) == 1
    if precision == "float32":
        search(small_folder, sparse, tmp_path / "two", workers=2, **budget, **GPU)
        assert read_json(tmp_path / "two" / FILE) == read_json(found / FILE)


def test_a_users_model_and_data_on_the_gpu(lenet_folder: Path, small_folder: Path):
    parts = [load_tensors(small_folder, part) for part in ("train", "validation")]
    training, validation = ((part.x.cuda(), part.y.cuda()) for part in parts)
    model = load_model(lenet_folder)[0].cuda()
    plan = Plan(0.9, criterion="gradient", schedule="gradual", epochs=2, coverage=True)
    sparse = safs.prune(model, training, plan=plan)
    found = safs.search(sparse, training, validation, candidates=3, epochs=2, operators=["relu", "tanh", "falu"])
    chosen = safs.replace_activations(sparse, training, found.activations, scales="channel")
    for compute in (Compute(), Compute(device="cpu"), Compute(precision="bfloat16")):
        tuned = safs.finetune(chosen, training, validation, epochs=2, trials=2, trial_epochs=1, compute=compute)
        assert weights_left(tuned.model) == weights_left(sparse) == (LEFT, ALL)
        assert all(parameter.is_cuda for parameter in (*model.parameters(), *tuned.model.parameters()))
        assert set(found.activations) == set(activation_sites(tuned.model))
    cpu = load_model(lenet_folder)[0]
    assert safs.finetune(cpu, training, validation, epochs=1, trials=1, compute=Compute(device="cpu")).accuracy > 0
    assert not next(cpu.parameters()).is_cuda
