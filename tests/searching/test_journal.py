from pathlib import Path
from typing import Any

import pytest

from safs.searching.journal import Journal

TRIALS: list[tuple[Any, Any]] = [
    ({"act1": "relu", "act2": "tanh"}, [0.1, -2.5]),
    ({"optimizer": "sgd", "rate": 1e-07}, [[0.1, -1e9], [1 / 3, -0.1]]),
    ({"ü": "ß\n\u2028"}, [0.3]),
]


def written(path: Path) -> bytes:
    journal = Journal(path)
    for trial, outcome in TRIALS:
        journal.add(trial, outcome)
    return path.read_bytes()


def test_what_was_added_is_given_back(tmp_path: Path):
    journal = Journal(tmp_path / "j.jsonl")
    for trial, outcome in TRIALS:
        assert journal.get(trial) is None
        journal.add(trial, outcome)
        assert journal.get(trial) == outcome
    assert journal.get({"never": "tried"}) is None


def test_it_survives_reopening_to_the_last_bit(tmp_path: Path):
    before = written(tmp_path / "j.jsonl")
    journal = Journal(tmp_path / "j.jsonl")
    assert [journal.get(trial) for trial, _ in TRIALS] == [outcome for _, outcome in TRIALS]
    assert (tmp_path / "j.jsonl").read_bytes() == before
    assert before.count(b"\n") == len(TRIALS)


def test_the_order_of_a_trials_fields_does_not_matter(tmp_path: Path):
    journal = Journal(tmp_path / "j.jsonl")
    journal.add({"a": 1, "b": 2}, "done")
    assert journal.get({"b": 2, "a": 1}) == "done"


def test_a_journal_without_trials_makes_no_file(tmp_path: Path):
    Journal(tmp_path / "j.jsonl")
    assert not (tmp_path / "j.jsonl").exists()


def test_a_torn_last_line_is_dropped_wherever_it_was_torn(tmp_path: Path):
    path = tmp_path / "j.jsonl"
    whole = written(path)
    kept = whole[: whole[:-1].rindex(b"\n") + 1]
    for length in range(len(kept), len(whole)):
        path.write_bytes(whole[:length])
        journal = Journal(path)
        assert [journal.get(trial) for trial, _ in TRIALS] == [*(outcome for _, outcome in TRIALS[:-1]), None]
        assert path.read_bytes() == kept
        journal.add(*TRIALS[-1])
        assert path.read_bytes() == whole
        assert Journal(path).get(TRIALS[-1][0]) == TRIALS[-1][1]


def test_a_journal_torn_in_its_first_line_is_empty(tmp_path: Path):
    path = tmp_path / "j.jsonl"
    first = written(path).split(b"\n")[0]
    for length in range(len(first) + 1):
        path.write_bytes(first[:length])
        assert Journal(path).outcomes == {}
        assert path.read_bytes() == b""


@pytest.mark.parametrize("tail", [b"\0\0\0\0", b"\xff\xfe\n", b"\n"])
def test_a_tail_that_is_no_trial_is_dropped(tmp_path: Path, tail: bytes):
    # after a power cut a file system may have given the file its length but not its bytes
    path = tmp_path / "j.jsonl"
    whole = written(path)
    path.write_bytes(whole + tail)
    assert len(Journal(path).outcomes) == len(TRIALS)
    assert path.read_bytes() == whole
