from collections.abc import Callable
from pathlib import Path

import pytest

from safs.activations import set_activations
from safs.data.tensors import Batchable
from safs.errors import SafsError
from safs.models import load_model
from safs.pruning.masks import masks_of
from safs.searching.journal import Journal
from safs.searching.stage1 import Budget, OnTrial, search_activations
from safs.training.settings import Hyperparameters
from safs.training.trainer import Score, train
from tests.chain import KilledError, contents

OPERATORS = ("relu", "tanh", "symlog")
BUDGET = Budget(candidates=6, epochs=1, history=2)
SETTINGS = Hyperparameters(learning_rate=1e-2, weight_decay=0.0, batch_size=20)

Trial = tuple[int, dict[str, str], Score, bool]
Search = Callable[..., tuple[dict[str, str], Score]]


@pytest.fixture
def search(sparse_folder: Path, training: Batchable, validation: Batchable) -> Search:
    some = Batchable(training.x[:60], training.y[:60])

    def run(journal: Path, on_trial: OnTrial | None = None, operators=OPERATORS, budget: Budget = BUDGET):
        return search_activations(
            sparse_folder, some, validation, SETTINGS, operators, budget, Journal(journal), on_trial
        )

    return run


def test_the_result_is_the_best_trial_and_relu_is_the_first(search: Search, tmp_path: Path):
    trials: list[Trial] = []
    best, score = search(tmp_path / "j", lambda *trial: trials.append(trial))
    assert [number for number, *_ in trials] == list(range(BUDGET.candidates))
    assert set(trials[0][1].values()) == {"relu"}
    assert list(best) == ["act1", "act2", "act3", "act4"]
    assert score == max(trial[2] for trial in trials)
    assert best == next(trial[1] for trial in trials if trial[2] == score)


@pytest.mark.parametrize("finished", range(1, BUDGET.candidates))
def test_an_interrupted_search_goes_on_where_it_stopped(search: Search, tmp_path: Path, finished: int):
    whole: list[Trial] = []
    expected = search(tmp_path / "whole", lambda *trial: whole.append(trial))
    before: list[Trial] = []
    after: list[Trial] = []

    def die(*trial) -> None:
        before.append(trial)
        if len(before) == finished:
            raise KilledError

    with pytest.raises(KilledError):
        search(tmp_path / "parts", die)
    assert search(tmp_path / "parts", lambda *trial: after.append(trial)) == expected
    assert [trial[:3] for trial in after] == [trial[:3] for trial in whole]
    assert not any(new for *_, new in after[:finished])
    assert sum(t[3] for t in before) + sum(t[3] for t in after) == sum(t[3] for t in whole)
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_finished_search_trains_nothing_when_it_is_run_again(search: Search, tmp_path: Path):
    expected = search(tmp_path / "j")
    news: list[bool] = []
    assert search(tmp_path / "j", lambda *trial: news.append(trial[3])) == expected
    assert news == [False] * BUDGET.candidates


def test_no_candidate_is_trained_twice_and_a_small_space_ends_the_search(search: Search, tmp_path: Path):
    trials: list[Trial] = []
    # 2 operators on 4 layers: 16 different candidates
    search(tmp_path / "j", lambda *trial: trials.append(trial), ("relu", "tanh"), Budget(24, 1, 2))
    assert len({tuple(trial[1].values()) for trial in trials}) == len(trials) == 16
    assert all(new for *_, new in trials)


def test_every_candidate_starts_from_the_pruned_weights(
    search: Search, sparse_folder: Path, training: Batchable, validation: Batchable, tmp_path: Path
):
    trials: list[Trial] = []
    search(tmp_path / "j", lambda *trial: trials.append(trial))
    _, operators, score, _ = trials[-1]
    model, spec = load_model(sparse_folder)
    set_activations(model, operators)
    some = Batchable(training.x[:60], training.y[:60])
    assert train(model, some, validation, SETTINGS, BUDGET.epochs, spec.seed, masks_of(model)) == score


def test_the_model_is_not_changed(search: Search, sparse_folder: Path, tmp_path: Path):
    before = contents(sparse_folder)
    search(tmp_path / "j", budget=Budget(2, 1, 1))
    assert contents(sparse_folder) == before


def test_a_missing_model_is_a_safs_error(training: Batchable, validation: Batchable, tmp_path: Path):
    with pytest.raises(SafsError, match="does not exist"):
        search_activations(
            tmp_path / "none", training, validation, SETTINGS, OPERATORS, BUDGET, Journal(tmp_path / "j")
        )
