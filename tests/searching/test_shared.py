"""A search that several machines share: on an SQLite file, and on a real PostgreSQL server."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from safs.errors import SafsError
from safs.searching.shared import SharedStudy, masked
from safs.searching.study import FILE, read_study
from tests.postgres import binaries, postgresql
from tests.searching.test_kill import start


def find(study: SharedStudy, keys: list[str], done: dict[str, list[str]], who: str, seconds: float = 0.0) -> None:
    def work(claimed, publish) -> None:
        for key in claimed:
            time.sleep(seconds)
            publish(key, [[len(key) / 10, -1.0]])

    def found(key: str, outcome, new: bool) -> None:
        assert outcome == [[len(key) / 10, -1.0]]
        if new:
            done[who].append(key)

    study.find(keys, work, 1, found)


def test_every_key_is_found_by_one_of_the_machines(tmp_path: Path):
    url, keys = f"sqlite:///{tmp_path}/study.db", [f"{'k' * n}{n}" for n in range(1, 7)]
    done: dict[str, list[str]] = {who: [] for who in "abcd"}
    threads = [
        threading.Thread(target=lambda who=who: find(SharedStudy(url, "s"), keys, done, who, 0.02)) for who in done
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key for found in done.values() for key in found) == sorted(keys), "each once"
    again: dict[str, list[str]] = {"c": []}
    find(SharedStudy(url, "s"), keys, again, "c")
    assert again["c"] == []


def test_a_claim_whose_machine_is_gone_is_taken_over(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/study.db"
    gone = SharedStudy(url, "s", heartbeat=1, grace=1)
    waiting = gone._trials({"key": None})
    assert gone._claim(waiting, 1), "claimed, and then never heard of again"
    done: dict[str, list[str]] = {"other": []}
    started = time.monotonic()
    find(SharedStudy(url, "s", heartbeat=1, grace=1), ["key"], done, "other")
    assert done["other"] == ["key"]
    assert time.monotonic() - started >= 1, "not before the claim was void"


def test_a_machine_that_fails_gives_its_claim_back(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/study.db"

    def fail(claimed, publish) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        SharedStudy(url, "s").find(["key"], fail, 1, lambda *_: None)
    done: dict[str, list[str]] = {"other": []}
    find(SharedStudy(url, "s"), ["key"], done, "other")
    assert done["other"] == ["key"]


def test_what_machines_measure_differently_they_agree_on(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/study.db"
    assert SharedStudy(url, "s").agree("costs", lambda: {"relu": 1.5}) == {"relu": 1.5}
    assert SharedStudy(url, "s").agree("costs", lambda: {"relu": 9.9}) == {"relu": 1.5}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://me:secret@127.0.0.1:1/none", "me:***@127.0.0.1:1/none"),
        ("nonsense://me:secret@host/none", "nonsense://me:***@host/none"),
        ("no url with secret@in it", "in it"),
    ],
)
def test_a_database_that_does_not_answer_is_named_without_its_password(url: str, shown: str):
    assert shown in masked(url)
    with pytest.raises(SafsError, match="no database for the study answers") as caught:
        SharedStudy(url, "s")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.fixture
def postgres() -> Iterator[str]:
    """The URL of a database on a PostgreSQL server that ends with the test."""
    programs = binaries()
    if programs is None:
        pytest.skip("there is no PostgreSQL")
    with postgresql(programs) as url:
        yield url


@pytest.mark.service
def test_of_two_processes_on_postgresql_one_is_killed_and_the_other_finishes(
    postgres: str, sparse_folder: Path, small_folder: Path, tmp_path: Path
):
    alone = start(tmp_path / "alone", sparse_folder, small_folder)
    out, _ = alone.communicate(timeout=300)
    assert alone.returncode == 0, out
    first, second = (start(tmp_path / name, sparse_folder, small_folder, postgres) for name in ("first", "second"))
    assert first.stdout is not None
    lines = [first.stdout.readline() for _ in range(3)]
    first.kill()
    first.wait()
    assert not (tmp_path / "first" / FILE).exists()
    rest, _ = second.communicate(timeout=300)
    assert second.returncode == 0, rest
    assert "secret" not in rest + "".join(lines)
    assert read_study(tmp_path / "second") == read_study(tmp_path / "alone")
    assert rest.count("False") > 0, "what the other had found was not found again"
    third = start(tmp_path / "third", sparse_folder, small_folder, postgres)
    out, _ = third.communicate(timeout=300)
    assert third.returncode == 0, out
    assert "True" not in out, "one that joins later finds everything done"
    assert read_study(tmp_path / "third") == read_study(tmp_path / "alone")
