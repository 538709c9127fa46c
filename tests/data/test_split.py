import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safs.data import PARTS, Examples, Part, reduce_parts
from safs.data.split import draw, split_off
from safs.errors import SafsError

LABELS = st.lists(st.integers(0, 6), min_size=1, max_size=60).map(lambda labels: np.array(labels, np.int64))


def numbered(labels: np.ndarray) -> Examples:
    """Examples whose single pixel is their number."""
    return Examples(np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1), labels)


@given(LABELS, st.data(), st.integers(0, 5))
def test_a_draw_has_the_count_and_each_class_within_one_of_its_share(
    labels: np.ndarray, data: st.DataObject, seed: int
):
    count = data.draw(st.integers(0, len(labels)))
    drawn = draw(labels, count, seed)
    assert len(drawn) == count
    assert np.all(np.diff(drawn) > 0)
    sizes, taken = np.bincount(labels), np.bincount(labels[drawn], minlength=labels.max() + 1)
    assert np.all(np.abs(taken - sizes * count / len(labels)) < 1)
    assert np.all(taken <= sizes)
    assert np.array_equal(drawn, draw(labels, count, seed))


def test_another_seed_draws_others():
    labels = np.repeat(np.arange(4), 50)
    assert not np.array_equal(draw(labels, 40, 0), draw(labels, 40, 1))


def test_a_split_loses_and_doubles_nothing():
    examples = numbered(np.arange(30) % 3)
    rest, drawn = split_off(examples, 10, 0)
    assert sorted([*rest.x.ravel(), *drawn.x.ravel()]) == list(range(30))
    for part in (rest, drawn):
        assert np.array_equal(part.y, part.x.ravel() % 3)


def parts() -> dict[Part, Examples]:
    sizes: dict[Part, int] = {"train": 120, "validation": 60, "test": 60}
    return {part: numbered(np.arange(size) % 4) for part, size in sizes.items()}


def test_all_parts_shrink_in_proportion():
    small = reduce_parts(parts(), 80, 0)
    assert {part: len(small[part].y) for part in PARTS} == {"train": 40, "validation": 20, "test": 20}
    assert np.bincount(small["train"].y).tolist() == [10] * 4


@pytest.mark.parametrize("enough", [0, 240, 1000])
def test_no_limit_or_a_high_one_keeps_all(enough: int):
    assert {part: len(p.y) for part, p in reduce_parts(parts(), enough, 0).items()} == {
        "train": 120,
        "validation": 60,
        "test": 60,
    }


def test_no_part_is_ever_empty():
    assert all(len(part.y) == 1 for part in reduce_parts(parts(), 3, 0).values())
    with pytest.raises(SafsError, match="max_examples is 2"):
        reduce_parts(parts(), 2, 0)
