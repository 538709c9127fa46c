import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safs.data.assembly import class_order, join_groups
from safs.data.grouped import split_groups
from safs.errors import SafsError

SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}


def test_examples_of_their_own_are_split_by_class():
    labels = np.repeat([0, 1, 2], [100, 50, 7])
    parts = split_groups(labels, np.arange(157), SHARES, 0, "abc")
    assert {part: np.bincount(labels[index]).tolist() for part, index in parts.items()} == {
        "train": [60, 30, 4],
        "validation": [20, 10, 2],
        "test": [20, 10, 1],
    }
    assert np.array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(157))


def test_the_seed_decides_and_nothing_else():
    labels, groups = np.arange(60) % 2, np.arange(60)
    one, two, other = (split_groups(labels, groups, SHARES, seed, "ab") for seed in (1, 1, 2))
    assert all(np.array_equal(one[part], two[part]) for part in SHARES)
    assert not np.array_equal(one["test"], other["test"])


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=1, max_size=60), st.integers(0, 9))
def test_groups_stay_whole_or_the_split_is_refused(pairs, seed):
    groups = np.unique([group for group, _ in pairs], return_inverse=True)[1]
    labels = np.array([label for _, label in pairs])
    try:
        parts = split_groups(labels, groups, SHARES, seed, "abc")
    except SafsError:
        return
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(pairs)))
    homes = {part: set(groups[index].tolist()) for part, index in parts.items()}
    assert not homes["train"] & homes["test"]
    assert not homes["train"] & homes["validation"]
    assert not homes["validation"] & homes["test"]
    assert all(set(labels[index]) == {0, 1, 2} for index in parts.values())


def test_a_class_of_too_few_groups_is_refused():
    with pytest.raises(SafsError, match="class 'b' has 2 groups"):
        split_groups(np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 3, 3, 4]), SHARES, 0, "ab")


def test_equal_examples_and_named_groups_are_one_group():
    digests = [b"a", b"b", b"c", b"a", b"d", b"e"]
    assert join_groups(digests, ["", "", "", "", "", ""]).tolist() == [0, 1, 2, 0, 3, 4]
    assert join_groups(digests, ["x", "x", "y", "y", "z", "z"]).tolist() == [0, 0, 0, 0, 1, 1]


def test_classes_are_in_order_of_number_or_letter():
    assert class_order({"10", "9", "-1"}) == ("-1", "9", "10")
    assert class_order({"10", "9", "x"}) == ("10", "9", "x")
