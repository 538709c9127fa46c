"""The method on a user's own model and loaders."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import safs
from safs.activations import activation_sites
from safs.errors import SafsError
from safs.pruning.masks import masks_of, weights_left
from safs.searching.plan import SearchPlan
from safs.sparsification.plan import Plan
from safs.training.settings import Hyperparameters

EXAMPLE = Path(__file__).parents[1] / "examples" / "own_model.py"


class Own(nn.Module):
    """A user's network, with an activation as a module and one as a function."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.act, self.second, self.last = nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 12), nn.Linear(12, 3)

    def forward(self, x):
        return self.last(torch.relu(self.second(self.act(self.first(x)))))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Own()


@pytest.fixture(scope="module")
def loaders():
    x = torch.randn(240, 6, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    return tuple(DataLoader(TensorDataset(a, b), batch_size=60) for a, b in ((x[:180], y[:180]), (x[180:], y[180:])))


def test_prune_leaves_the_dense_model_alone_and_its_counts_are_exact(model, loaders):
    dense = {name: value.clone() for name, value in model.state_dict().items()}
    sparse = safs.prune(model, loaders[0], sparsity=0.5)
    assert weights_left(sparse) == (36 + 72 + 18, 72 + 144 + 36)
    assert all(torch.equal(value, dense[name]) for name, value in model.state_dict().items())


def test_prune_follows_a_plan(model, loaders):
    plan = Plan(0.75, scope="global", schedule="gradual", epochs=2, ignore=("last*",))
    sparse = safs.prune(model, loaders[0], plan=plan)
    assert bool(masks_of(sparse)["last.weight"].all())
    assert weights_left(sparse)[0] == 216 - round(0.75 * 216) + 36


def test_search_finds_operators_for_the_sites_of_a_model_with_functions(model, loaders):
    found = safs.search(model, *loaders, candidates=4, epochs=2, operators=["relu", "tanh", "swish"], seed=3)
    again = safs.search(model, *loaders, candidates=4, epochs=2, operators=["relu", "tanh", "swish"], seed=3)
    assert len(found.activations) == 2
    assert (found.activations, found.accuracy) == (again.activations, again.accuracy)
    assert len(found.study.trials) == 4
    assert not activation_sites(model)


def test_replace_activations_takes_what_a_search_found_or_one_operator_for_all(model, loaders):
    relu = safs.replace_activations(model, loaders[0], "relu")
    x = next(iter(loaders[1]))[0]
    assert torch.equal(relu(x), model(x))
    names = list(activation_sites(relu))
    mixed = safs.replace_activations(model, loaders[0], dict(zip(names, ("tanh", "symlog"), strict=True)), "channel")
    assert [site.operator.name for site in activation_sites(mixed).values()] == ["tanh", "symlog"]
    assert all(tuple(p.shape) == (12,) for site in activation_sites(mixed).values() for p in site.parameters())
    kept = safs.replace_activations(model, loaders[0], "tanh", excluded=[names[0]])
    assert list(activation_sites(kept)) == names[1:]


def test_finetune_keeps_the_mask_and_learns(model, loaders):
    sparse = safs.replace_activations(safs.prune(model, loaders[0], 0.5), loaders[0], "swish", "layer")
    before = {name: value.clone() for name, value in sparse.state_dict().items()}
    settings = Hyperparameters(learning_rate=1e-2, batch_size=30)
    tuned = safs.finetune(sparse, *loaders, epochs=15, trials=2, trial_epochs=2, settings=settings, seed=1)
    assert all(torch.equal(value, before[name]) for name, value in sparse.state_dict().items())
    assert all(torch.equal(mask, masks_of(tuned.model)[name]) for name, mask in masks_of(sparse).items())
    assert tuned.accuracy > 0.6
    again = safs.finetune(sparse, *loaders, epochs=15, trials=2, trial_epochs=2, settings=settings, seed=1)
    assert (again.accuracy, again.settings) == (tuned.accuracy, tuned.settings)


def test_a_journal_answers_for_what_was_done(model, loaders, tmp_path):
    arguments = {"plan": SearchPlan(3, 1, 1), "operators": ["relu", "tanh"], "journal": tmp_path / "trials.jsonl"}
    first = safs.search(model, *loaders, **arguments)
    lines = (tmp_path / "trials.jsonl").read_text()
    assert safs.search(model, *loaders, **arguments).activations == first.activations
    assert (tmp_path / "trials.jsonl").read_text() == lines


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model, data: safs.prune(model, data[0], sparsity=1.0), "sparsity 1.0 is not in"),
        (lambda model, data: safs.search(model, *data, operators=["rleu"]), "did you mean 'relu'"),
        (lambda model, data: safs.replace_activations(model, data[0], {"nowhere": "relu"}), "unknown activation site"),
        (lambda model, data: safs.replace_activations(model, data[0], "relu", "layers"), "did you mean 'layer'"),
        (lambda model, data: safs.finetune(model, [], data[1]), "the data is empty"),
    ],
)
def test_a_mistake_is_named(model, loaders, call, message):
    with pytest.raises(SafsError, match=message):
        call(model, loaders)


def test_the_example_runs_and_its_sparse_model_has_learnt():
    assert runpy.run_path(str(EXAMPLE))["main"]() > 0.6


def test_the_package_is_light_until_the_method_is_used():
    code = "import safs, sys; assert 'torch' not in sys.modules; safs.prune; assert 'torch' in sys.modules"
    environment = os.environ | {"PYTHONPATH": str(Path(safs.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        safs.nothing  # noqa: B018
