from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import optuna
import pytest
import torch

from safs.activations import activation_sites, scale_parameters
from safs.data.tensors import Batchable
from safs.finetuning.scales import prepare_model, start_scales
from safs.finetuning.space import RANGES, suggest
from safs.finetuning.stage2 import Budget, OnTrial, tune
from safs.models import load_model
from safs.pruning.masks import masks_of
from safs.searching.journal import Journal
from safs.training.settings import Hyperparameters
from safs.training.trainer import Score
from tests.chain import KilledError, contents

ACTIVATIONS = {"act1": "swish", "act2": "tanh", "act3": "relu", "act4": "symlog"}
DEFAULTS = Hyperparameters(learning_rate=1e-2, batch_size=20)
BUDGET = Budget(trials=7, epochs=3)  # enough for TPE to leave its random start and for hopeless trials to be stopped

Trial = tuple[int, Hyperparameters, Score]
Tune = Callable[..., Hyperparameters]


@pytest.fixture
def tuned(sparse_folder: Path, training: Batchable, validation: Batchable) -> Tune:
    some = Batchable(training.x[:60], training.y[:60])

    def run(
        journal: Path,
        on_trial: OnTrial | None = None,
        defaults: Hyperparameters = DEFAULTS,
        seed: int = 0,
        budget: Budget = BUDGET,
    ):
        build = partial(prepare_model, sparse_folder, ACTIVATIONS, "layer")
        return tune(build, some, validation, defaults, budget, seed, Journal(journal), on_trial)

    return run


@pytest.fixture(scope="module")
def whole(
    sparse_folder: Path, training: Batchable, validation: Batchable, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Hyperparameters, list[Trial], Path]:
    """A tuning that nobody interrupted: result, trials and journal."""
    some = Batchable(training.x[:60], training.y[:60])
    path, trials = tmp_path_factory.mktemp("tune") / "j", []
    best = tune(
        partial(prepare_model, sparse_folder, ACTIVATIONS, "layer"),
        some,
        validation,
        DEFAULTS,
        BUDGET,
        0,
        Journal(path),
        lambda *trial: trials.append(trial),
    )
    return best, trials, path


def test_the_defaults_are_the_first_trial(whole):
    _, trials, _ = whole
    assert [number for number, *_ in trials] == list(range(BUDGET.trials))
    assert trials[0][1] == DEFAULTS
    assert len({trial[1] for trial in trials}) == BUDGET.trials


def test_the_result_is_the_best_trial(whole):
    best, trials, _ = whole
    top = max(trial[2] for trial in trials)
    assert best == next(trial[1] for trial in trials if trial[2] == top)


def test_hopeless_trials_are_stopped_early(whole):
    _, _, path = whole
    lengths = [len(curve) for curve in Journal(path).outcomes.values()]
    assert len(lengths) == BUDGET.trials
    assert lengths[0] == BUDGET.epochs
    assert min(lengths) < BUDGET.epochs


def test_every_trial_keeps_the_batch_size_and_the_ranges(whole):
    _, trials, _ = whole
    for _, settings, *_ in trials[1:]:
        assert settings.batch_size == DEFAULTS.batch_size
        assert all(low <= getattr(settings, name) <= high for name, (low, high) in RANGES.items())


def test_the_same_seed_gives_the_same_result(tuned: Tune, whole, tmp_path: Path):
    best, trials, path = whole
    again: list[Trial] = []
    assert tuned(tmp_path / "j", lambda *trial: again.append(trial)) == best
    assert again == trials
    assert (tmp_path / "j").read_bytes() == path.read_bytes()


def test_another_seed_tries_other_settings(tuned: Tune, whole, tmp_path: Path):
    other: list[Trial] = []
    tuned(tmp_path / "j", lambda *trial: other.append(trial), seed=1, budget=Budget(2, 1))
    assert other[0][1] == DEFAULTS
    assert other[1][1] not in {trial[1] for trial in whole[1]}


@pytest.mark.parametrize("finished", range(1, BUDGET.trials))
def test_an_interrupted_tuning_goes_on_where_it_stopped(tuned: Tune, whole, tmp_path: Path, finished: int):
    best, trials, path = whole
    before: list[Trial] = []
    after: list[Trial] = []

    def die(*trial) -> None:
        before.append(trial)
        if len(before) == finished:
            raise KilledError

    with pytest.raises(KilledError):
        tuned(tmp_path / "j", die)
    assert len((tmp_path / "j").read_bytes().splitlines()) == finished
    assert tuned(tmp_path / "j", lambda *trial: after.append(trial)) == best
    assert [trial[:3] for trial in after] == [trial[:3] for trial in trials]
    assert [new for *_, new in after] == [number >= finished for number in range(BUDGET.trials)]
    # one line a trial: a trial trained again would have written another
    assert (tmp_path / "j").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"weight_decay": 0.0},
        {"weight_decay": 0.5},
        {"learning_rate": 0.5},
        {"learning_rate": 1e-6},
        {"optimizer": "sgd"},
    ],
    ids=str,
)
def test_defaults_outside_of_the_searched_ranges_are_tried_too(tuned: Tune, tmp_path: Path, change: dict):
    defaults = replace(DEFAULTS, **change)
    trials: list[Trial] = []
    best = tuned(tmp_path / "j", lambda *trial: trials.append(trial), defaults, budget=Budget(6, 1))
    assert trials[0][1] == defaults
    assert len(trials) == 6
    assert best in [trial[1] for trial in trials]


def test_defaults_that_diverge_lose(tuned: Tune, tmp_path: Path):
    trials: list[Trial] = []
    defaults = Hyperparameters("sgd", 1e6, batch_size=20)
    best = tuned(tmp_path / "j", lambda *trial: trials.append(trial), defaults, budget=Budget(4, 2))
    assert trials[0][1] == defaults
    assert best != defaults


@pytest.mark.parametrize("learnt", [False, True])
def test_every_drawn_value_is_used_and_all_else_is_the_default(learnt: bool):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    optimizers = set()
    for _ in range(20):
        trial = study.ask()
        settings = asdict(suggest(trial, DEFAULTS, learnt=learnt))
        assert settings == asdict(DEFAULTS) | trial.params
        assert ("momentum" in trial.params) is (settings["optimizer"] == "sgd")
        assert {"scale_rate", "alpha", "beta"}.isdisjoint(trial.params) is not learnt
        optimizers.add(settings["optimizer"])
    assert optimizers == {"adam", "adamw", "sgd"}


def test_defaults_are_never_stopped_even_where_they_are_the_worst(tuned: Tune, tmp_path: Path):
    frozen = Hyperparameters("sgd", 1e-30, batch_size=20)  # learns nothing
    tuned(tmp_path / "j", None, frozen, budget=Budget(4, 6))
    lengths = [len(curve) for curve in Journal(tmp_path / "j").outcomes.values()]
    assert lengths[0] == 6


@pytest.mark.parametrize("scales", ["layer", "channel"])
def test_scales_start_at_multiples_of_the_operators_own(sparse_folder: Path, scales: str):
    operators = ACTIVATIONS | {"act2": "acon", "act3": "falu"}
    model, start = (prepare_model(sparse_folder, operators, scales) for _ in range(2))
    start_scales(model, 3.0, 0.5)
    for name, value in start.named_parameters():
        factor = {"alpha": 3.0, "beta": 0.5}.get(name.rpartition(".")[2], 1.0)
        assert torch.equal(dict(model.named_parameters())[name], value * factor), name
    assert float(model.act3.alpha.detach().mean()) == pytest.approx(1.5)  # falu's own alpha is 0.5


def test_fixed_scales_have_no_start(sparse_folder: Path):
    model, same = (prepare_model(sparse_folder, ACTIVATIONS, "fixed") for _ in range(2))
    start_scales(model, 3.0, 0.5)
    x = torch.rand(2, 1, 28, 28)
    assert torch.equal(model(x), same(x))


@pytest.mark.parametrize("scales", ["fixed", "channel"])
def test_tuning_goes_with_every_kind_of_scales(
    sparse_folder: Path, training: Batchable, validation: Batchable, tmp_path: Path, scales: str
):
    build = partial(prepare_model, sparse_folder, ACTIVATIONS, scales)
    trials: list[Trial] = []
    journal = Journal(tmp_path / "j")
    tune(build, training, validation, DEFAULTS, Budget(3, 1), 0, journal, lambda *trial: trials.append(trial))
    starts = {settings.alpha for _, settings, *_ in trials}
    assert (starts == {1.0}) is (scales == "fixed")


def test_the_model_is_prepared_on_its_own_mask(sparse_folder: Path):
    before, _ = load_model(sparse_folder)
    for scales in ("fixed", "layer", "channel"):
        model = prepare_model(sparse_folder, ACTIVATIONS, scales)
        assert {name: site.operator.name for name, site in activation_sites(model).items()} == ACTIVATIONS
        assert bool(scale_parameters(model)) is (scales != "fixed")
        masks = masks_of(model)
        assert all(torch.equal(mask, masks[name]) for name, mask in masks_of(before).items())


def test_the_model_is_not_changed(tuned: Tune, sparse_folder: Path, tmp_path: Path):
    before = contents(sparse_folder)
    tuned(tmp_path / "j", budget=Budget(2, 1))
    assert contents(sparse_folder) == before
