"""Steps that are killed and run again give what they would have given at once, and train nothing twice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from safs.files import COST
from safs.steps.context import Context
from safs.steps.finetune import finetune
from safs.steps.pretrain import pretrain
from safs.steps.search import search
from tests.chain import FINETUNE, PRETRAIN, SEARCH, Chain, KilledError, contents
from tests.steps.trackers import Recorder


def run_twice(run: Callable[[Path, Context], object], out: Path, stop: int) -> tuple[Recorder, Recorder]:
    first, second = Recorder(stop), Recorder()
    with pytest.raises(KilledError):
        run(out, Context(first))
    assert not out.exists()
    run(out, Context(second))
    return first, second


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_pretrain_keeps_its_finished_seeds(chain: Chain, tmp_path: Path, stop: int):
    def run(out: Path, context: Context) -> None:
        pretrain(chain.data, out, **PRETRAIN, context=context)

    _, second = run_twice(run, tmp_path / "out", stop)
    assert contents(tmp_path / "out") == contents(chain.pretrain)
    assert second.children == (["seed-0", "seed-1"] if stop <= 2 else ["seed-1"])


@pytest.mark.parametrize(("stop", "left"), [(1, {".seed-0.checkpoint"}), (3, {"seed-0", ".seed-1.checkpoint"})])
def test_pretrain_goes_on_inside_the_training_of_a_seed(chain: Chain, tmp_path: Path, stop: int, left: set[str]):
    work = tmp_path / "work"
    with pytest.raises(KilledError):
        pretrain(chain.data, tmp_path / "out", **PRETRAIN, context=Context(Recorder(stop), work=work))
    folder = next(path for path in work.iterdir() if path.is_dir())
    assert {path.name for path in folder.iterdir()} - {COST} == left
    pretrain(chain.data, tmp_path / "out", **PRETRAIN, context=Context(Recorder(), work=work))
    assert contents(tmp_path / "out") == contents(chain.pretrain)


@pytest.mark.parametrize("stop", range(1, 7))
def test_search_keeps_its_finished_candidates(chain: Chain, tmp_path: Path, stop: int):
    def run(out: Path, context: Context) -> None:
        search(chain.data, chain.prune, out, **SEARCH, context=context)

    first, second = run_twice(run, tmp_path / "out", stop)
    assert contents(tmp_path / "out") == contents(chain.search)
    assert set(first.children).isdisjoint(second.children)
    assert len(first.children) == stop
    assert len(first.children + second.children) == 6


@pytest.mark.parametrize("stop", [1, 3, 4, 5, 9, 15])
def test_finetune_keeps_its_finished_trials_and_models(chain: Chain, tmp_path: Path, stop: int):
    def run(out: Path, context: Context) -> None:
        finetune(chain.data, chain.prune, chain.search, out, **FINETUNE, context=context)

    first, second = run_twice(run, tmp_path / "out", stop)
    assert contents(tmp_path / "out") == contents(chain.finetune)
    models = [name for name in first.children + second.children if "trial" not in name]
    assert sorted(models) == sorted(f"seed-{s} {v}" for s in (0, 1) for v in ("relu", "stage1", "stage2", "safs"))
    assert second.done[-1] == (16, 16)
