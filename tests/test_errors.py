import doctest

import pytest

import safs.errors
from safs.errors import SafsError, unknown


def test_the_nearest_name_is_offered():
    text = str(unknown("model", "lenet", ["vgg16", "lenet5"]))
    assert text == "unknown model 'lenet'; did you mean 'lenet5'? It is one of lenet5, vgg16"


@pytest.mark.parametrize("value", ["", "zzz", "no such thing; It is"])
def test_no_name_is_offered_when_none_is_near(value: str):
    text = str(unknown("model", value, ["lenet5"]))
    assert "did you mean" not in text
    assert repr(value) in text
    assert text.endswith("; it is one of lenet5")


def test_the_error_is_a_safs_error_on_one_line():
    error = unknown("model", "a\nb", ["lenet5"])
    assert isinstance(error, SafsError)
    assert "\n" not in str(error)


def test_the_example_of_the_docstring_holds():
    tested = doctest.testmod(safs.errors)
    assert tested.attempted > 0
    assert tested.failed == 0
