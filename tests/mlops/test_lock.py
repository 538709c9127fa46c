"""The lock: one of many, and no name that is given twice."""

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from safs.errors import SafsError
from safs.mlops.lock import Lock
from safs.mlops.tracking import open_client


@pytest.fixture(scope="module")
def client(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> MlflowClient:
    return open_client(f"sqlite:///{shutil.copy(empty_database, tmp_path_factory.mktemp('lock') / 'mlflow.db')}")


def test_while_one_holds_it_another_is_told_who_and_why(client: MlflowClient):
    with Lock(client, "told", "the promotion of safs").held() as first:
        first.check()
        told = r"the promotion of safs is under way \(.*process \d+\), so a rollback"
        with pytest.raises(SafsError, match=told), Lock(client, "told", "a rollback").held():
            pytest.fail("two at once")
    with Lock(client, "told", "a rollback").held():
        pass
    names = [model.name for model in client.search_registered_models("name LIKE 'told.lock.%'")]
    assert names == ["told.lock.2"], "only the newest name is kept"


def test_a_lock_is_given_back_by_who_fails(client: MlflowClient):
    with pytest.raises(ValueError, match="no"), Lock(client, "fails", "work").held():
        raise ValueError("no")
    with Lock(client, "fails", "work").held():
        pass


def test_of_many_at_once_one_has_it(client: MlflowClient):
    inside, most, entered, refused = 0, 0, 0, 0
    guard, start = threading.Lock(), threading.Barrier(6)

    def compete() -> None:
        nonlocal inside, most, entered, refused
        start.wait()
        for _ in range(5):
            try:
                with Lock(client, "race", "work").held():
                    with guard:
                        inside, entered = inside + 1, entered + 1
                        most = max(most, inside)
                    time.sleep(0.02)
                    with guard:
                        inside -= 1
            except SafsError:
                with guard:
                    refused += 1

    threads = [threading.Thread(target=compete) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert entered >= 1
    assert entered + refused == 30


def test_a_killed_holder_is_succeeded_after_it_has_been_watched(database: str):
    uri, client = database, open_client(database)
    code = (
        "import time\nfrom safs.mlops.lock import Lock\nfrom safs.mlops.tracking import open_client\n"
        f"with Lock(open_client({uri!r}), 'killed', 'work', 0.2, 1).held():\n    print('held', flush=True)\n    time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    time.sleep(1.5)
    with pytest.raises(SafsError, match="under way"):  # it is alive, however long it takes
        Lock(client, "killed", "work", 0.2, 1)._acquire()
    holder.kill()
    holder.communicate()
    time.sleep(1)
    began = time.monotonic()
    with Lock(client, "killed", "work", 0.2, 1).held():
        assert time.monotonic() - began >= 1, "watched, whatever the clock of the killed one said"


def test_a_holder_that_was_asleep_learns_that_it_is_too_late(client: MlflowClient):
    asleep = Lock(client, "asleep", "work", 60, 0.2)
    with asleep.held():
        time.sleep(0.3)
        other = Lock(client, "asleep", "work", 0.1, 0.2)
        with other.held(), pytest.raises(SafsError, match="another process took over"):
            asleep.check()
