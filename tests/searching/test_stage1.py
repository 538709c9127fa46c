import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from safs.activations import activation_sites, set_activations
from safs.data.tensors import Batchable
from safs.errors import SafsError
from safs.models import load_model
from safs.pruning.masks import masks_of
from safs.searching.journal import Journal
from safs.searching.plan import SearchPlan
from safs.searching.stage1 import Surroundings, search_activations
from safs.searching.strategies import STRATEGIES
from safs.searching.study import Study
from safs.searching.trial import Curve, Task
from safs.training.settings import Compute, Hyperparameters
from safs.training.trainer import Score, train
from tests.chain import KilledError

OPERATORS = ("relu", "tanh", "symlog")
FLAT = SearchPlan(candidates=6, search_epochs=1, history=2)
LADDER = SearchPlan(candidates=6, search_epochs=4, min_epochs=1, halving=2, history=2, generation=3)
SEED = 3
SETTINGS = Hyperparameters(learning_rate=1e-2, weight_decay=0.0, batch_size=20)

Event = tuple[Task, Curve, bool]
Search = Callable[..., Study]


@pytest.fixture(scope="module")
def network(sparse_folder: Path, training: Batchable, validation: Batchable) -> nn.Module:
    """A sparse network that has learnt a little."""
    model, _ = load_model(sparse_folder)
    train(model, training, validation, SETTINGS, 3, 0, masks_of(model))
    return model


@pytest.fixture
def search(network: nn.Module, training: Batchable, validation: Batchable) -> Search:
    some = Batchable(training.x[:60], training.y[:60])

    def run(journal: Path, plan: SearchPlan = LADDER, on_training=None, operators=OPERATORS, **around) -> Study:
        surroundings = Surroundings(Journal(journal), on_training=on_training, **around)
        return search_activations(network, some, validation, SETTINGS, operators, plan, SEED, surroundings, "lenet5")

    return run


def test_without_a_ladder_every_candidate_is_trained_to_the_end(search: Search, tmp_path: Path):
    events: list[Event] = []
    study = search(tmp_path / "j", FLAT, lambda *event: events.append(event))
    assert [task.number for task, *_ in events] == list(range(6))
    assert {(task.epochs, len(curve), new) for task, curve, new in events} == {(1, 1, True)}
    assert study.epochs == 6
    assert set(study.trials[0].activations.values()) == {"relu"}
    assert list(study.winner.activations) == ["act1", "act2", "act3", "act4"]
    assert study.winner == max(study.trials, key=lambda trial: (max(trial.curve), -trial.number))
    assert len({tuple(trial.activations.values()) for trial in study.trials}) == 6


def test_candidates_are_trained_on_classes_by_their_weights(
    network: nn.Module, training: Batchable, validation: Batchable, tmp_path: Path
):
    three = (torch.arange(10) == 3).float()
    plan = replace(FLAT, candidates=1, search_epochs=20, fraction=0.5)
    weighted = replace(training, weights=three)
    surroundings = Surroundings(Journal(tmp_path / "j"))
    study = search_activations(network, weighted, validation, SETTINGS, OPERATORS, plan, SEED, surroundings, "lenet5")
    threes = int((validation.y == 3).sum()) / len(validation.y)
    assert study.winner.curve[-1][0] == threes  # it has seen nothing else


def test_the_best_of_each_rung_and_the_start_go_on(search: Search, tmp_path: Path):
    events: list[Event] = []
    study = search(tmp_path / "j", LADDER, lambda *event: events.append(event))
    assert LADDER.rungs == (1, 2, 4)
    for below, rung, room in ((1, 2, 3), (2, 4, 2)):
        there = [task.number for task, *_ in events if task.epochs == below]
        went_on = [task.number for task, *_ in events if task.epochs == rung]
        ranked = sorted(there, key=lambda n: max(study.trials[n].curve[:below]), reverse=True)
        assert set(went_on) == {*ranked[:room], 0}
    assert study.trials[study.best].stopped == "finished"
    assert {trial.stopped for trial in study.trials} == {"finished", "halved"}
    assert study.epochs == sum(len(trial.curve) for trial in study.trials) < 6 * 4
    assert len(events) <= LADDER.trainings


def test_a_rung_goes_on_where_the_one_below_stopped_and_as_if_it_had_not(
    search: Search, network: nn.Module, training: Batchable, validation: Batchable, tmp_path: Path
):
    study = search(tmp_path / "j")
    some = Batchable(training.x[:60], training.y[:60])
    for trial in (study.winner, study.trials[0]):
        model = copy.deepcopy(network)
        set_activations(model, trial.activations)
        curve: Curve = []

        def on_epoch(_: int, __: float, score: Score, curve: Curve = curve) -> None:
            curve.append([score.accuracy, score.negative_loss])

        train(model, some, validation, SETTINGS, 4, SEED, masks_of(model), on_epoch)
        assert trial.curve == curve


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_searches(search: Search, tmp_path: Path, strategy):
    plan = replace(LADDER, strategy=strategy)
    study = search(tmp_path / "one", plan)
    assert study == search(tmp_path / "two", plan)
    assert len(study.trials) == 6
    assert study.winner.accuracy >= study.trials[0].accuracy


@pytest.mark.parametrize("finished", [1, 4, 8])
def test_an_interrupted_search_goes_on_where_it_stopped(search: Search, tmp_path: Path, finished: int):
    whole: list[Event] = []
    expected = search(tmp_path / "whole", LADDER, lambda *event: whole.append(event))
    before: list[Event] = []
    after: list[Event] = []

    def die(*event) -> None:
        before.append(event)
        if len(before) == finished:
            raise KilledError

    if finished > len(whole):
        pytest.skip(f"there are {len(whole)} trainings only")
    with pytest.raises(KilledError):
        search(tmp_path / "parts", LADDER, die)
    assert search(tmp_path / "parts", LADDER, lambda *event: after.append(event)) == expected
    assert [event[:2] for event in after] == [event[:2] for event in whole]
    assert [new for *_, new in after] == [number >= finished for number in range(len(whole))]
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


def test_lost_checkpoints_change_nothing(search: Search, tmp_path: Path):
    expected = search(tmp_path / "whole")

    def lose(task: Task, *_) -> None:
        for file in (tmp_path / "parts.checkpoints").glob("*"):
            file.write_bytes(file.read_bytes()[:100]) if task.number % 2 else file.unlink()

    assert search(tmp_path / "parts", LADDER, lose) == expected
    assert not (tmp_path / "parts.checkpoints").exists()


def test_a_finished_search_trains_nothing_when_it_is_run_again(search: Search, tmp_path: Path):
    expected = search(tmp_path / "j")
    news: list[bool] = []
    assert search(tmp_path / "j", LADDER, lambda *event: news.append(event[2])) == expected
    assert not any(news)


def test_a_small_space_ends_the_search(search: Search, tmp_path: Path):
    study = search(tmp_path / "j", replace(FLAT, candidates=24), operators=("relu", "tanh"))
    assert len({tuple(trial.activations.values()) for trial in study.trials}) == len(study.trials) == 16


@pytest.mark.integration
def test_the_number_of_workers_changes_nothing(search: Search, tmp_path: Path):
    threads = torch.get_num_threads()
    events: list[Event] = []
    expected = search(tmp_path / "one")
    study = search(tmp_path / "two", LADDER, lambda *event: events.append(event), workers=2)
    assert study == expected
    assert all(new for *_, new in events)
    assert Journal(tmp_path / "two").outcomes == Journal(tmp_path / "one").outcomes
    assert torch.get_num_threads() == threads


def test_the_models_own_operators_are_the_start(
    sparse_folder: Path, training: Batchable, validation: Batchable, tmp_path: Path
):
    model, spec = load_model(sparse_folder)
    own = dict(zip(activation_sites(model), ("swish", "relu", "gelu", "elu"), strict=True))
    set_activations(model, own)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    around = Surroundings(Journal(tmp_path / "j"))
    study = search_activations(model, training, validation, SETTINGS, OPERATORS, FLAT, spec.seed, around)
    assert study.trials[0].activations == own
    assert {name: site.operator.name for name, site in activation_sites(model).items()} == own
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_candidates_that_diverge_or_stay_at_chance_are_stopped(
    sparse_folder: Path, training: Batchable, validation: Batchable, tmp_path: Path
):
    model, spec = load_model(sparse_folder)
    stuck = replace(SETTINGS, learning_rate=1e-12)
    with torch.no_grad():
        model.state_dict()["fc3.bias"][0] = 100.0  # names the first class whatever it sees
    around = Surroundings(Journal(tmp_path / "j"))
    plan = replace(LADDER, halving=1, min_epochs=2)
    study = search_activations(model, training, validation, stuck, OPERATORS, plan, spec.seed, around)
    assert {(trial.stopped, len(trial.curve)) for trial in study.trials} == {("hopeless", 2)}
    around = Surroundings(Journal(tmp_path / "ladder"))
    study = search_activations(model, training, validation, stuck, OPERATORS, LADDER, spec.seed, around)
    assert study.winner.stopped == "finished", "where all are at chance it tells nothing"
    wild = Hyperparameters("sgd", 1e8, batch_size=20)
    around = Surroundings(Journal(tmp_path / "wild"))
    study = search_activations(model, training, validation, wild, OPERATORS, LADDER, spec.seed, around)
    assert any(trial.curve == [[0.0, -1e9]] and trial.stopped == "hopeless" for trial in study.trials)


def test_a_fraction_of_the_images_costs_a_fraction_of_an_epoch(search: Search, tmp_path: Path):
    study = search(tmp_path / "j", replace(FLAT, fraction=0.5))
    assert study.epochs == 3
    assert study.trials != search(tmp_path / "whole", FLAT).trials


def test_inference_cost_as_an_objective_gives_a_front(search: Search, tmp_path: Path):
    plan = replace(FLAT, objective="pareto")
    study = search(tmp_path / "j", plan)
    assert study.trials[0].cost == 1
    front = [study.trials[number] for number in study.front]
    assert front
    assert [trial.cost for trial in front] == sorted(trial.cost for trial in front)
    for trial in study.trials:
        beaten = [o for o in front if o.accuracy >= trial.accuracy and o.cost <= trial.cost]
        assert beaten, "no trial is better than the whole front"
    assert search(tmp_path / "j", plan) == study, "the measured costs are kept with the journal"
    assert search(tmp_path / "other", FLAT).front == []


def test_one_operator_everywhere_comes_first_and_the_climb_goes_on_from_the_best_of_them(
    search: Search, tmp_path: Path
):
    plan = replace(LADDER, strategy="late-acceptance", candidates=8, generation=1)
    study = search(tmp_path / "uniform", plan)
    assert [len(set(trial.activations.values())) for trial in study.trials[:3]] == [1, 1, 1]
    best = max(study.trials[:3], key=lambda trial: (trial.curve[0], -trial.number))
    following = study.trials[3]
    changed = sum(following.activations[site] != operator for site, operator in best.activations.items())
    assert changed <= 1  # a neighbour; a swap of equal operators changes nothing
    plain = search(tmp_path / "plain", replace(plan, uniform=False))
    assert any(len(set(trial.activations.values())) > 1 for trial in plain.trials[:3])


def test_earlier_studies_lend_their_best_candidates(search: Search, tmp_path: Path):
    first = search(tmp_path / "first")
    plan = replace(LADDER, strategy="random", uniform=False)
    second = search(tmp_path / "second", plan, earlier=[first])
    assert set(second.trials[0].activations.values()) == {"relu"}
    assert second.trials[1].activations == first.winner.activations or first.best == 0
    assert search(tmp_path / "third", plan).trials[1] != second.trials[1]


def test_what_is_unknown_is_refused(search: Search, tmp_path: Path):
    with pytest.raises(SafsError, match="unknown strategy"):
        search(tmp_path / "j", replace(FLAT, strategy="none"))
    with pytest.raises(SafsError, match="backend 'native' cannot train this"):
        search(tmp_path / "j", compute=Compute(backend="native", device="cuda"))
