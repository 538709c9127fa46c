import shutil
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest
import torch

from safs.data import load_info, load_part, save_dataset
from safs.data.dataset import PARTS, Examples
from safs.data.tensors import load_tensors
from safs.errors import SafsError
from safs.evaluation.measurement import VARIANTS, evaluate_seeds, spread
from safs.export.size import dense_bytes, sparse_bytes
from safs.files import fingerprint, read_json, write_json
from safs.models import load_model
from safs.pruning.masks import weights_left
from safs.steps.finetune import finetune
from safs.steps.prune import prune
from tests.chain import FINETUNE, SIZES, Chain, copy_of


def test_the_spread_is_the_sample_standard_deviation():
    assert spread([1.0, 2.0, 4.0]) == pytest.approx(np.std([1.0, 2.0, 4.0], ddof=1))
    assert spread([0.5, 0.5]) == 0
    assert spread([0.7]) == 0


def accuracy(folder: Path, data: Path, part) -> float:
    """Measured again, an image at a time."""
    model, _ = load_model(folder)
    tensors = load_tensors(data, part)
    with torch.no_grad():
        right = [int(model(x[None]).argmax()) == int(y) for x, y in zip(tensors.x, tensors.y, strict=True)]
    return mean(right)


def test_every_variant_is_measured_for_every_seed(chain: Chain, evaluated: Path):
    evaluation = read_json(evaluated / "evaluation.json")
    assert evaluation["seeds"] == [0, 1]
    assert tuple(evaluation["variants"]) == VARIANTS
    for variant, values in evaluation["variants"].items():
        for seed in evaluation["seeds"]:
            root = chain.pretrain if variant == "dense" else chain.finetune
            folder = root / f"seed-{seed}" / ("" if variant == "dense" else variant)
            for part in ("validation", "test"):
                assert values[part][seed] == pytest.approx(accuracy(folder, chain.data, part), abs=1e-6)
        assert values["test_mean"] == pytest.approx(mean(values["test"]))
        assert values["test_spread"] == pytest.approx(stdev(values["test"]))


def test_the_gain_is_paired(evaluated: Path):
    evaluation = read_json(evaluated / "evaluation.json")
    safs, relu = (evaluation["variants"][name]["test"] for name in ("safs", "relu"))
    gains = [a - b for a, b in zip(safs, relu, strict=True)]
    assert evaluation["gain_mean"] == pytest.approx(mean(gains))
    assert evaluation["gain_spread"] == pytest.approx(stdev(gains))


def test_the_models_are_described(chain: Chain, evaluated: Path):
    evaluation = read_json(evaluated / "evaluation.json")
    for seed, entry in enumerate(evaluation["models"]):
        folder = chain.finetune / f"seed-{seed}" / "safs"
        model, spec = load_model(folder)
        assert entry["seed"] == seed
        assert entry["fingerprint"] == fingerprint(folder)
        assert entry["activations"] == spec.activations
        assert entry["bytes"] == sparse_bytes(model)
        assert entry["weights_left"] == weights_left(model)[0]
        assert entry["hyperparameters"] == read_json(folder / "training.json")["hyperparameters"]
        assert entry["validation_accuracy"] == evaluation["variants"]["safs"]["validation"][seed]
        assert entry["test_accuracy"] == evaluation["variants"]["safs"]["test"][seed]


def test_the_whole_is_described(chain: Chain, evaluated: Path):
    evaluation, info = read_json(evaluated / "evaluation.json"), load_info(chain.data)
    model, spec = load_model(chain.pretrain / "seed-0")
    assert evaluation["sparsity"] == 0.9
    assert evaluation["architecture"] == spec.architecture
    assert evaluation["data"] == info.name
    assert evaluation["data_fingerprint"] == info.fingerprint
    assert evaluation["test_images"] == SIZES["test"]
    assert evaluation["classes"] == list(info.classes)
    assert evaluation["dense_bytes"] == dense_bytes(model)
    assert evaluation["weights"] == 44_190
    assert evaluation["weights_left"] == 44_190 - sum(round(0.9 * n) for n in (150, 2_400, 30_720, 10_080, 840))


def test_the_confusion_matrix_counts_true_by_predicted(chain: Chain, evaluated: Path):
    evaluation = read_json(evaluated / "evaluation.json")
    test = load_tensors(chain.data, "test")
    for entry in evaluation["models"]:
        model, _ = load_model(chain.finetune / f"seed-{entry['seed']}" / "safs")
        with torch.no_grad():
            predicted = model(test.x).argmax(1)
        expected = np.zeros((10, 10), int)
        for true, guess in zip(test.y.tolist(), predicted.tolist(), strict=True):
            expected[true, guess] += 1
        assert entry["confusion"] == expected.tolist()
    best = max(evaluation["models"], key=lambda entry: entry["validation_accuracy"])
    assert evaluation["confusion"] == best["confusion"]
    assert evaluation["sparse_bytes"] == best["bytes"]


def test_one_seed_has_no_spread(chain: Chain, tmp_path: Path):
    dense, sparse = tmp_path / "dense", tmp_path / "sparse"
    shutil.copytree(chain.pretrain / "seed-1", dense / "seed-1")
    shutil.copytree(chain.finetune / "seed-1", sparse / "seed-1")
    evaluation = evaluate_seeds(chain.data, dense, sparse)
    assert evaluation["seeds"] == [1]
    assert evaluation["gain_spread"] == 0
    assert all(values["test_spread"] == 0 for values in evaluation["variants"].values())


def test_models_of_other_seeds_are_refused(chain: Chain, tmp_path: Path):
    shutil.copytree(chain.pretrain / "seed-1", tmp_path / "dense" / "seed-1")
    with pytest.raises(SafsError, match=r"dense models have seeds \[1\], sparse ones \[0, 1\]"):
        evaluate_seeds(chain.data, tmp_path / "dense", chain.finetune)


def test_a_missing_variant_is_a_safs_error(chain: Chain, tmp_path: Path):
    models = copy_of(chain.finetune, tmp_path / "models")
    shutil.rmtree(models / "seed-1" / "stage2")
    with pytest.raises(SafsError, match="stage2"):
        evaluate_seeds(chain.data, chain.pretrain, models)


@pytest.mark.parametrize("content", [None, [], {}])
def test_a_damaged_description_of_the_training_is_a_safs_error(chain: Chain, tmp_path: Path, content):
    models = copy_of(chain.finetune, tmp_path / "models")
    write_json(models / "seed-0" / "safs" / "training.json", content)
    with pytest.raises(SafsError, match=r"training\.json"):
        evaluate_seeds(chain.data, chain.pretrain, models)


@pytest.mark.parametrize(
    ("shape", "classes"), [((1, 20, 20), 10), ((3, 28, 28), 10), ((1, 28, 28), 12)], ids=["size", "channels", "classes"]
)
def test_models_of_another_data_set_are_refused(
    chain: Chain, tmp_path: Path, shape: tuple[int, int, int], classes: int
):
    parts = {
        part: Examples(np.zeros((20, *shape), np.uint8), np.arange(20, dtype=np.int64) % classes) for part in PARTS
    }
    save_dataset(tmp_path / "other", "other", "made for a test", tuple(map(str, range(classes))), parts)
    with pytest.raises(SafsError):
        evaluate_seeds(tmp_path / "other", chain.pretrain, chain.finetune)


def test_the_test_part_is_what_test_accuracies_come_from(chain: Chain, evaluated: Path, tmp_path: Path):
    data = copy_of(chain.data, tmp_path / "data")
    test = load_part(data, "test")
    np.save(data / "test_y.npy", (test.y + 1) % 10)
    before = read_json(evaluated / "evaluation.json")["variants"]
    after = evaluate_seeds(data, chain.pretrain, chain.finetune)["variants"]
    assert all(after[name]["validation"] == before[name]["validation"] for name in VARIANTS)
    assert all(after[name]["test"] != before[name]["test"] for name in VARIANTS)


def test_no_test_accuracy_is_above_the_ceiling_of_its_mask(chain: Chain, tmp_path: Path):
    pruned = tmp_path / "pruned"
    prune(chain.data, chain.pretrain, pruned, sparsity=0.99)
    finetune(chain.data, pruned, chain.search, tmp_path / "tuned", **FINETUNE)
    found = evaluate_seeds(chain.data, chain.pretrain, tmp_path / "tuned")
    for index, model in enumerate(found["models"]):
        audit = model["audit"]
        assert audit["kept"] == 442
        assert len(audit["covered"]) < 10
        assert audit["ceiling"] < 1
        for variant in ("relu", "stage1", "stage2", "safs"):
            assert found["variants"][variant]["test"][index] <= audit["ceiling"] + 1e-9
