"""Answers of S3 servers that no sound server gives often: refusals, damaged objects, keys that lead elsewhere."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from safs.data.buckets import list_bucket
from safs.data.fetching import fetch
from safs.errors import SafsError
from safs.steps.prepare import prepare
from tests.data.buckets import answering, listing, refusal, use

CONTENT = b"content of an object" * 100
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "RequestTimeTooSkewed", "this machine's clock differs too much"),
        (400, "AuthorizationHeaderMalformed", "the bucket is in another region; set AWS_REGION"),
        (403, "InvalidAccessKeyId", "the access key is not known there"),
        (403, "SignatureDoesNotMatch", "the secret key is wrong"),
        (403, "AccessDenied", "the credentials may not read it"),
        (404, "NoSuchBucket", "there is no such bucket"),
        (400, "ExpiredToken", "the session token has expired"),
        (418, "Teapot", r"no \(Teapot\)"),
    ],
)
def test_a_refusal_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, code: str, message: str
):
    with answering(lambda path: (status, {}, refusal(code))) as url:
        use(monkeypatch, url, tmp_path / "cache")
        with pytest.raises(SafsError, match=message):
            prepare(tmp_path / "out", dataset="s3://bucket/data")


@pytest.mark.parametrize(
    "key",
    ["data/../../etc/passwd", "data//x.csv", "data/./x.csv", "data/a\\..\\x.csv", "data/../x.csv", "data/a&#10;b.csv"],
)
def test_a_key_that_is_no_plain_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str):
    with answering(lambda path: (200, {}, listing((key, 5, MD5)))) as url:
        use(monkeypatch, url, tmp_path / "cache")
        with pytest.raises(SafsError, match=r"is refused: it is not a plain path|control characters"):
            prepare(tmp_path / "out", dataset="s3://bucket/data")
    assert not (tmp_path / "cache").exists()


def test_a_key_below_an_object_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with answering(lambda path: (200, {}, listing(("d/a", 5, MD5), ("d/a/b", 5, MD5)))) as url:
        use(monkeypatch, url, tmp_path / "cache")
        with pytest.raises(SafsError, match="lies below a key that is an object too"):
            list_bucket("s3://bucket/d")


def test_nothing_below_a_prefix_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with answering(lambda path: (200, {}, listing(("database/x.csv", 5, MD5)))) as url:
        use(monkeypatch, url, tmp_path / "cache")
        with pytest.raises(SafsError, match="no object of that key and none below it"):
            list_bucket("s3://bucket/data")


@pytest.mark.parametrize("uri", ["s3://", "s3:///x", "s3://bucket//x"])
def test_an_address_that_is_none_is_refused(uri: str):
    with pytest.raises(SafsError, match="is not an address s3://bucket/prefix"):
        list_bucket(uri)


def test_a_server_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch, "http://127.0.0.1:9", tmp_path / "cache")
    with pytest.raises(SafsError, match=r"cannot be read from http://127\.0\.0\.1:9"):
        list_bucket("s3://bucket/data")


def test_no_credentials_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch, "http://127.0.0.1:9", tmp_path / "cache")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SafsError, match="there are no credentials"):
        list_bucket("s3://bucket/data")


Answer = Callable[[str], tuple[int, dict[str, str], bytes]]


def serving(body: bytes, etag: str = MD5, size: int = len(CONTENT), told: str = "") -> Answer:
    """A bucket with one object whose content is `body`, whatever the listing says of it."""

    def answer(path: str) -> tuple[int, dict[str, str], bytes]:
        if "list-type" in path:
            return 200, {}, listing(("d/a.bin", size, etag))
        return 200, {"ETag": f'"{told or etag}"'}, body

    return answer


def test_a_sound_object_is_fetched_once_and_kept_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with answering(serving(CONTENT)) as url:
        use(monkeypatch, url, tmp_path / "cache")
        bucket = list_bucket("s3://bucket/d")
        tree = fetch(bucket)
    assert (tree / "a.bin").read_bytes() == CONTENT
    assert fetch(bucket) == tree  # the server is gone
    sha = hashlib.sha256(CONTENT).hexdigest()
    assert [path.name for path in (tmp_path / "cache" / "objects").rglob("*") if path.is_file()] == [sha]
    assert not list((tmp_path / "cache" / "partial").iterdir())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (serving(CONTENT[:-1] + b"?"), "is not what the ETag .* vouches for"),
        (serving(CONTENT[:-5]), "sends less than was asked for"),
        (serving(CONTENT + b"more"), "sends more than was asked for"),
        (serving(CONTENT, told="0" * 32), "changed while it was fetched"),
        (serving(b"", size=1 << 60), "bytes to fetch, .* has .* left"),
    ],
    ids=["another content", "less", "more", "another version", "larger than the disk"],
)
def test_what_is_not_what_was_listed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer, message: str
):
    with answering(answer) as url:
        use(monkeypatch, url, tmp_path / "cache")
        bucket = list_bucket("s3://bucket/d")
        with pytest.raises(SafsError, match=message):
            fetch(bucket)
    assert not list((tmp_path / "cache").glob("objects/*/*"))


def test_the_version_follows_paths_sizes_and_etags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    versions = set()
    for entry in (("d/a", 5, "x"), ("d/b", 5, "x"), ("d/a", 6, "x"), ("d/a", 5, "y"), ("d/a", 5, "x")):
        with answering(lambda path, entry=entry: (200, {}, listing(entry))) as url:
            use(monkeypatch, url, tmp_path / "cache")
            versions.add(list_bucket("s3://bucket/d").version)
    assert len(versions) == 4
