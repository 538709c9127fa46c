"""Data sets on a real S3 server: rclone's, on loopback."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from safs.data.buckets import list_bucket
from safs.data.fetching import PART, fetch
from safs.data.own import find_source
from safs.errors import SafsError
from safs.steps.prepare import prepare
from tests.chain import contents
from tests.data.buckets import Server, use
from tests.data.own_data import image_folder
from tests.data.tables import runs
from tests.data.test_own_data import as_npz

pytestmark = pytest.mark.service


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    (tmp_path / "served" / "bucket").mkdir(parents=True)
    server = Server(tmp_path / "served")
    server.start()
    use(monkeypatch, server.url, tmp_path / "cache")
    yield server
    server.kill()


def test_a_folder_an_archive_and_a_bucket_give_one_data_set(server: Server, tmp_path: Path):
    bucket = server.root / "bucket"
    folder = image_folder(tmp_path / "here", ("cat", "with space"), 6)
    image_folder(bucket / "images", ("cat", "with space"), 6)
    archive = as_npz(folder, bucket / "arrays" / "data.npz")
    sources = {
        "folder": str(folder),
        "archive": str(archive),
        "s3 folder": "s3://bucket/images",
        "s3 archive": "s3://bucket/arrays/data.npz",
        "s3 folder of an archive": "s3://bucket/arrays/",
    }
    for name, source in sources.items():
        prepare(tmp_path / name, dataset=source)
    arrays = [{k: v for k, v in contents(tmp_path / name).items() if k.endswith(".npy")} for name in sources]
    assert all(one == arrays[0] for one in arrays)
    assert find_source("s3://bucket/images", "").name == "images"
    assert find_source("s3://bucket/arrays/data.npz", "").name == "data"


def test_tables_come_from_a_bucket(server: Server, tmp_path: Path):
    runs(server.root / "bucket" / "runs")
    runs(tmp_path / "runs")
    here = prepare(tmp_path / "here", dataset=str(tmp_path / "runs"), window=8)
    there = prepare(tmp_path / "there", dataset="s3://bucket/runs", window=8)
    assert there["fingerprint"] == here["fingerprint"]


def test_a_changed_object_changes_the_version_and_the_fingerprint(server: Server, tmp_path: Path):
    runs(server.root / "bucket" / "runs")
    before, first = (
        list_bucket("s3://bucket/runs").version,
        prepare(tmp_path / "1", dataset="s3://bucket/runs", window=8),
    )
    assert list_bucket("s3://bucket/runs").version == before
    path = server.root / "bucket" / "runs" / "0.csv"
    path.write_text(path.read_text().replace(";0\n", ";1\n", 8))
    time.sleep(0.1)
    assert list_bucket("s3://bucket/runs").version != before
    assert prepare(tmp_path / "2", dataset="s3://bucket/runs", window=8)["fingerprint"] != first["fingerprint"]


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("s3://bucket/nowhere", "no object of that key and none below it"),
        ("s3://no-such-bucket/data", "there is no such bucket"),
    ],
)
def test_what_is_not_there_is_told(server: Server, tmp_path: Path, uri: str, message: str):
    with pytest.raises(SafsError, match=message):
        prepare(tmp_path / "out", dataset=uri)


def test_wrong_credentials_are_told(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch, server.url, tmp_path / "cache", secret="wrong-secret")
    with pytest.raises(SafsError, match=r"the secret key is wrong|may not read it"):
        prepare(tmp_path / "out", dataset="s3://bucket/data")


def test_a_fetch_goes_on_after_the_server_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root = tmp_path / "served"
    (root / "bucket" / "d").mkdir(parents=True)
    content = np.random.default_rng(0).bytes(12 * PART + 5)
    (root / "bucket" / "d" / "large.bin").write_bytes(content)
    slow = Server(root, limit="24M")
    slow.start()
    use(monkeypatch, slow.url, tmp_path / "cache")
    bucket = list_bucket("s3://bucket/d")

    def kill_after_a_part() -> None:
        while not any(path.read_text() for path in (tmp_path / "cache").glob("partial/*.parts")):
            time.sleep(0.01)
        slow.kill()

    killer = threading.Thread(target=kill_after_a_part)
    killer.start()
    with pytest.raises(SafsError, match="goes on where this one stopped"):
        fetch(bucket)
    killer.join()
    slow.limit = ""
    slow.start()
    seen: list[int] = []
    try:
        tree = fetch(bucket, lambda done, total, what: seen.append(done))
    finally:
        slow.kill()
    assert seen[0] >= PART >> 20  # the parts that were there are not fetched again
    assert (tree / "large.bin").read_bytes() == content
