from pathlib import Path

import pytest

from safs.errors import SafsError
from safs.searching.plan import SearchPlan
from safs.searching.study import FILE, Study, Trial, read_study, write_studies
from safs.searching.warm_start import earlier_candidates

OPERATORS = ("relu", "tanh", "elu", "gelu")


def study(architecture: str, *rows: tuple[float, str]) -> Study:
    trials = [
        Trial(n, {f"act{i}": name for i, name in enumerate(names.split())}, [[accuracy, -1.0]], "finished")
        for n, (accuracy, names) in enumerate(rows)
    ]
    best = max(range(len(rows)), key=lambda n: rows[n][0])
    return Study(0, architecture, 0.9, list(OPERATORS), SearchPlan(), trials, best, 3.0)


def test_the_same_architecture_comes_first_and_then_the_better_ones():
    other = study("vgg16", (0.9, "elu elu"), (0.8, "gelu gelu"))
    same = study("lenet5", (0.3, "relu tanh"), (0.5, "tanh relu"))
    found = earlier_candidates([other, same], "lenet5", 2, OPERATORS, 9)
    assert found == [("tanh", "relu"), ("relu", "tanh"), ("elu", "elu"), ("gelu", "gelu")]
    assert earlier_candidates([other, same], "lenet5", 2, OPERATORS, 1) == found[:1]
    assert earlier_candidates([], "lenet5", 2, OPERATORS, 9) == []


def test_operators_that_are_not_to_choose_from_are_left_out():
    assert earlier_candidates([study("x", (0.9, "elu mish"), (0.1, "elu gelu"))], "x", 2, OPERATORS, 9) == [
        ("elu", "gelu")
    ]


@pytest.mark.parametrize(
    ("layers", "expected"), [(1, "relu"), (2, "relu elu"), (3, "relu tanh elu"), (5, "relu relu tanh elu elu")]
)
def test_another_number_of_layers_is_filled_by_relative_depth(layers: int, expected: str):
    (found,) = earlier_candidates([study("x", (0.9, "relu tanh elu"))], "y", layers, OPERATORS, 1)
    assert " ".join(found) == expected


def test_a_study_on_disk_is_read_as_it_was_written(tmp_path: Path):
    studies = [study("x", (0.9, "relu tanh")), study("y", (1 / 3, "elu elu"), (0.1, "gelu elu"))]
    write_studies(tmp_path / FILE, studies)
    assert read_study(tmp_path) == read_study(tmp_path / FILE) == studies


@pytest.mark.parametrize("text", ["{}", "[]", '{"studies": [{}]}', '{"studies": 3}'])
def test_a_file_that_is_no_study_is_refused(tmp_path: Path, text: str):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(SafsError, match="is not the record of a search"):
        read_study(tmp_path)
    with pytest.raises(SafsError, match="does not exist"):
        read_study(tmp_path / "none")
