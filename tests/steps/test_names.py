from typing import Any

import pytest

from safs.errors import SafsError
from safs.steps.names import check_names

GOOD: dict[str, Any] = {"dataset": "digits", "data_root": "", "operators": [], "model": "lenet5"}


@pytest.mark.parametrize("change", [{}, {"operators": ["relu", "symlog"]}, {"data_root": "not needed"}], ids=str)
def test_known_names_pass(change: dict[str, Any]):
    check_names(GOOD | change)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dataset": "digit"}, "unknown data set 'digit'; did you mean 'digits'?"),
        ({"dataset": "mnist"}, "data set 'mnist' needs --data-root"),
        ({"operators": ["relu", "tahn"]}, "unknown activation operator 'tahn'; did you mean 'tanh'?"),
        ({"model": "lenet"}, "unknown model 'lenet'; did you mean 'lenet5'?"),
    ],
    ids=str,
)
def test_an_unknown_name_is_refused_with_the_nearest_one(change: dict[str, Any], text: str):
    with pytest.raises(SafsError) as caught:
        check_names(GOOD | change)
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize("operators", [["relu"], ["relu", "relu"]])
def test_operators_that_leave_no_choice_are_refused_before_any_training(operators: list[str]):
    with pytest.raises(SafsError, match="at least 2"):
        check_names(GOOD | {"operators": operators})
