from pathlib import Path

import pytest
import torch
from torch import nn

from safs.activations import set_activations
from safs.data.tensors import Batchable
from safs.errors import SafsError
from safs.insight import ablate
from safs.models import load_model
from safs.pruning.masks import masks_of
from safs.training.settings import Hyperparameters
from safs.training.trainer import measure, train

SETTINGS = Hyperparameters(learning_rate=5e-3)
RELU = dict.fromkeys(("act1", "act2", "act3", "act4"), "relu")


@pytest.fixture(scope="module")
def trained(sparse_folder: Path, training: Batchable, validation: Batchable) -> nn.Module:
    model, _ = load_model(sparse_folder)
    set_activations(model, {"act1": "tanh", "act3": "symlog"}, "layer")
    train(model, training, validation, SETTINGS, 8, 0, masks_of(model))
    return model


@pytest.mark.parametrize("epochs", [0, 2])
def test_a_site_with_its_original_operator_loses_nothing(
    trained: nn.Module, training: Batchable, validation: Batchable, epochs: int
):
    seen: list[tuple[str, float]] = []
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    found = ablate(
        trained, RELU, training, validation, SETTINGS, epochs, 0, lambda name, drop: seen.append((name, drop))
    )
    assert found["epochs"] == epochs
    assert [found["sites"][name]["operator"] for name in RELU] == ["tanh", "relu", "symlog", "relu"]
    assert [found["sites"][name]["drop"] for name in ("act2", "act4")] == [0, 0]
    assert seen == [(name, entry["drop"]) for name, entry in found["sites"].items()]
    for entry in found["sites"].values():
        assert entry["original"] == "relu"
        assert entry["drop"] == pytest.approx(found["accuracy"] - entry["accuracy"])
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())


def test_without_retraining_it_is_the_network_with_the_operator_put_back(
    trained: nn.Module, training: Batchable, validation: Batchable
):
    found = ablate(trained, RELU, training, validation, SETTINGS, 0, 0)
    assert found["accuracy"] == measure(trained, validation).accuracy
    weights = {name: value for name, value in trained.state_dict().items() if not name.startswith("act1")}
    changed, _ = load_copy(trained, weights)
    assert found["sites"]["act1"]["accuracy"] == measure(changed, validation).accuracy


def load_copy(trained: nn.Module, weights: dict[str, torch.Tensor]) -> tuple[nn.Module, None]:
    """A network with ReLU at act1 and everything else of the trained one."""
    from safs.models.lenet import LeNet5

    model = LeNet5((1, 28, 28), 10)
    set_activations(model, {"act1": "relu", "act2": "relu", "act3": "symlog", "act4": "relu"})
    set_activations(model, {"act3": "symlog"}, "layer")
    model.load_state_dict({name: value for name, value in weights.items() if name in model.state_dict()})
    return model, None


def test_an_unknown_original_operator_is_refused(trained: nn.Module, training: Batchable, validation: Batchable):
    with pytest.raises(SafsError, match="unknown activation operator"):
        ablate(trained, RELU | {"act1": "rely"}, training, validation, SETTINGS, 0, 0)
