"""Data and models that many tests share; all of it is small, and made once a session."""

from pathlib import Path

import pytest
import torch
from hypothesis import settings

from safs.data import PARTS, Examples, load_info, load_part, save_dataset
from safs.data.tensors import Batchable, load_tensors
from safs.models import ModelSpec, fresh_model, load_model, save_model
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks
from safs.steps.evaluate import evaluate
from safs.steps.prepare import prepare
from safs.steps.select import select
from tests.chain import SIZES, Chain, run_chain

torch.set_num_threads(1)  # small tensors: threads cost more than they bring
settings.register_profile("safs", deadline=None, derandomize=True, database=None)
settings.load_profile("safs")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests come first, so that no worker is left alone with one at the end."""
    longest = {item.path for item in items if item.get_closest_marker("service")}
    long = {item.path for item in items if item.get_closest_marker("integration")}
    items.sort(key=lambda item: (item.path not in longest, item.path not in long))


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits") / "data"
    prepare(folder)
    return folder


@pytest.fixture(scope="session")
def small_folder(digits_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "data"
    parts = {}
    for part in PARTS:
        examples = load_part(digits_folder, part)
        parts[part] = Examples(examples.x[: SIZES[part]], examples.y[: SIZES[part]])
    save_dataset(folder, "digits", "a few of the digits", load_info(digits_folder).classes, parts)
    return folder


@pytest.fixture(scope="session")
def training(small_folder: Path) -> Batchable:
    return load_tensors(small_folder, "train")


@pytest.fixture(scope="session")
def validation(small_folder: Path) -> Batchable:
    return load_tensors(small_folder, "validation")


@pytest.fixture(scope="session")
def spec() -> ModelSpec:
    return ModelSpec("lenet5", (1, 28, 28), tuple("0123456789"), (0.0,), (1.0,), seed=3)


@pytest.fixture(scope="session")
def lenet_folder(spec: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lenet") / "model"
    save_model(folder, fresh_model(spec), spec)
    return folder


@pytest.fixture(scope="session")
def sparse_folder(lenet_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sparse") / "model"
    model, spec = load_model(lenet_folder)
    apply_masks(model, make_masks(model, 0.8))
    save_model(folder, model, spec)
    return folder


@pytest.fixture(scope="session")
def chain(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return run_chain(small_folder, tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="session")
def evaluated(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluated") / "evaluation"
    evaluate(chain.data, chain.pretrain, chain.finetune, folder)
    return folder


@pytest.fixture(scope="session")
def selected(chain: Chain, evaluated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("selected") / "selection"
    select([evaluated], [chain.finetune], folder)
    return folder
