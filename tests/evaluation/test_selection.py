import copy
from pathlib import Path

import pytest

from safs.errors import SafsError
from safs.evaluation.selection import choose, find_model
from safs.files import fingerprint
from tests.evaluation.evaluations import entry, evaluation

EVALUATIONS = [
    evaluation(0.9, entry(0, validation=0.80, test=0.10, size=9_000), entry(1, validation=0.90, test=0.20, size=9_100)),
    evaluation(
        0.99, entry(0, validation=0.70, test=0.99, size=2_000), entry(1, validation=0.60, test=0.98, size=1_900)
    ),
]


@pytest.mark.parametrize(
    ("floor", "limit", "prefer", "expected"),
    [
        (0.0, 0, "accuracy", (0.9, 1)),
        (0.0, 9_100, "accuracy", (0.9, 1)),
        (0.0, 9_099, "accuracy", (0.9, 0)),
        (0.0, 5_000, "accuracy", (0.99, 0)),
        (0.0, 0, "size", (0.99, 1)),
        (0.65, 0, "size", (0.99, 0)),
        (0.70, 0, "size", (0.99, 0)),
        (0.71, 0, "size", (0.9, 0)),
        (0.90, 0, "size", (0.9, 1)),
        (0.90, 9_100, "accuracy", (0.9, 1)),
        (0.91, 0, "accuracy", None),
        (0.0, 1_899, "accuracy", None),
        (0.65, 1_950, "size", None),
    ],
)
def test_the_limits_decide(floor: float, limit: int, prefer: str, expected: tuple[float, int] | None):
    chosen, reason = choose(EVALUATIONS, floor, limit, prefer)
    assert (chosen and (chosen["sparsity"], chosen["seed"])) == expected
    assert reason


def test_test_accuracies_have_no_say():
    swapped = copy.deepcopy(EVALUATIONS)
    for one in swapped:
        for model in one["models"]:
            model["test_accuracy"] = 1 - model["test_accuracy"]
    for prefer in ("accuracy", "size"):
        one, two = (choose(evaluations, 0.5, 0, prefer) for evaluations in (EVALUATIONS, swapped))
        assert one[0]["fingerprint"] == two[0]["fingerprint"]
        assert one[0]["sparsity"] == two[0]["sparsity"]
        assert one[1] == two[1]


def test_the_smaller_of_equally_accurate_models_is_taken():
    models = [entry(0, 0.8, size=300), entry(1, 0.8, size=200), entry(2, 0.8, size=250)]
    assert choose([evaluation(0.9, *models)], 0, 0, "accuracy")[0]["seed"] == 1


def test_the_more_accurate_of_equally_small_models_is_taken():
    models = [entry(0, 0.7, size=200), entry(1, 0.9, size=200), entry(2, 0.8, size=200)]
    assert choose([evaluation(0.9, *models)], 0, 0, "size")[0]["seed"] == 1


def test_the_reason_names_what_was_chosen():
    _, reason = choose(EVALUATIONS, 0.65, 0, "size")
    assert reason == "smallest of 3 qualified models: sparsity 0.99, seed 0, validation accuracy 70.00%, 2,000 bytes"


def test_the_reason_for_nothing_names_the_best_and_the_smallest():
    _, reason = choose(EVALUATIONS, 0.95, 1_000, "accuracy")
    for part in ("none of 4", "95.00%", "at most 1,000 bytes", "90.00% at 9,100 bytes", "60.00% at 1,900 bytes"):
        assert part in reason


def test_the_evaluations_are_not_changed():
    before = copy.deepcopy(EVALUATIONS)
    choose(EVALUATIONS, 0, 0, "accuracy")
    assert before == EVALUATIONS


def test_the_model_is_found_by_its_fingerprint(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name / "seed-3" / "safs").mkdir(parents=True)
        (tmp_path / name / "seed-3" / "safs" / "model.json").write_text(name)
    wanted = tmp_path / "two" / "seed-3" / "safs"
    chosen = {"seed": 3, "fingerprint": fingerprint(wanted)}
    assert find_model([tmp_path / "one", tmp_path / "two"], chosen) == wanted
    with pytest.raises(SafsError, match="holds the evaluated model"):
        find_model([tmp_path / "one"], chosen)
    with pytest.raises(SafsError, match="holds the evaluated model"):
        find_model([tmp_path / "two"], {**chosen, "seed": 4})
