"""Only `evaluate` reads the test part: without it, or with garbage in its place, the other steps give the same bytes."""

from pathlib import Path

import numpy as np
import pytest

from safs.errors import SafsError
from safs.files import fingerprint, read_json, write_json
from safs.steps.evaluate import evaluate
from safs.steps.select import select
from tests.chain import Chain, contents, copy_of, run_chain


def poison(data: Path, kind: str) -> None:
    for name in ("test_x.npy", "test_y.npy"):
        if kind == "deleted":
            (data / name).unlink()
        elif kind == "bytes":
            (data / name).write_bytes(b"garbage")
        else:
            np.save(data / name, np.full((5, 7), 255, np.uint8))


@pytest.fixture(scope="module", params=["deleted", "bytes", "shape"])
def poisoned(request: pytest.FixtureRequest, small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    root = tmp_path_factory.mktemp("poisoned")
    data = copy_of(small_folder, root / "data")
    poison(data, request.param)
    return run_chain(data, root)


@pytest.mark.parametrize("step", ["pretrain", "prune", "search", "finetune"])
def test_a_step_does_not_read_the_test_part(poisoned: Chain, chain: Chain, step: str):
    assert contents(getattr(poisoned, step)) == contents(getattr(chain, step))


def test_select_does_not_read_the_test_part(poisoned: Chain, evaluated: Path, selected: Path, tmp_path: Path):
    select([evaluated], [poisoned.finetune], tmp_path / "out")
    assert contents(tmp_path / "out") == contents(selected)


def test_evaluate_does_read_it(poisoned: Chain, tmp_path: Path):
    with pytest.raises(SafsError, match="test"):
        evaluate(poisoned.data, poisoned.pretrain, poisoned.finetune, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_select_does_not_look_at_test_accuracies(chain: Chain, evaluated: Path, selected: Path, tmp_path: Path):
    changed = copy_of(evaluated, tmp_path / "evaluation")
    evaluation = read_json(changed / "evaluation.json")
    for model in evaluation["models"]:  # the chosen one is the worst now
        model["test_accuracy"] = float(model["fingerprint"] != fingerprint(selected / "model"))
    write_json(changed / "evaluation.json", evaluation)
    select([changed], [chain.finetune], tmp_path / "out")
    assert contents(tmp_path / "out" / "model") == contents(selected / "model")
