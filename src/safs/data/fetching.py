"""Objects of a bucket to files: in parallel, in parts that a later try goes on with, checked, and kept by content."""

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from safs.cache import CACHE, cache_folder
from safs.data.buckets import WORKERS, Bucket, Stored, client, told
from safs.data.labelled import Report
from safs.errors import SafsError

PART, CHUNK = 8 << 20, 1 << 20  # bytes
TRIES = 3
NOTHING_LEFT: list[int | None] = [None]  # all parts are there, the object is to be kept


def fetch(bucket: Bucket, report: Report | None = None) -> Path:
    """Fetch the objects that are not in the cache, and give a folder that holds them all under their paths.

    An object is fetched in parts of 8 MiB. Finished parts are written down, so that a try after a failure, or after the
    process was killed, fetches only what is missing. What has come is compared with the ETag where that is an MD5 or the MD5
    of parts; then it is kept under its SHA-256, so that equal objects are kept once.

    Raises:
        SafsError: the disk is too small, the server fails, or what came is not what the server vouches for.
    """
    cache = cache_folder()
    tree = cache / "trees" / hashlib.sha256(f"{bucket.uri}\0{bucket.version}".encode()).hexdigest()
    if tree.is_dir():
        return tree
    missing = [one for one in bucket.objects if not _known(cache, bucket, one)]
    total = sum(one.size for one in missing)
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free
    if total > free - (64 << 20):
        raise SafsError(
            f"{bucket.uri} has {total:,} bytes to fetch, {str(cache)!r} has {free:,} left; set {CACHE} elsewhere"
        )
    if missing:
        _fetch_all(cache, bucket, missing, _Meter(total, report))
    building = tree.with_name(f".{tree.name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    for one in bucket.objects:
        target = building / one.relative
        target.parent.mkdir(parents=True, exist_ok=True)
        content = _known(cache, bucket, one)
        assert content is not None
        _link(content, target)
    try:
        building.replace(tree)
    except OSError:  # another process was faster
        shutil.rmtree(building)
    return tree


class _Meter:
    """Counts what has come, from many threads."""

    def __init__(self, total: int, report: Report | None) -> None:
        self.total, self.report, self.done, self.lock = total, report, 0, threading.Lock()

    def add(self, size: int) -> None:
        with self.lock:
            self.done += size
            if self.report:
                self.report(self.done >> 20, self.total >> 20, "MiB fetched")


class _Download:
    """One object on its way: the file that its parts are written into, and the journal of the parts that are there."""

    def __init__(self, cache: Path, bucket: Bucket, one: Stored) -> None:
        self.bucket, self.one, self.lock = bucket, one, threading.Lock()
        self.file = cache / "partial" / _key(bucket, one)
        self.journal = self.file.with_suffix(".parts")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        count = max(1, -(-one.size // PART))
        whole = self.file.is_file() and self.file.stat().st_size == one.size and self.journal.is_file()
        lines = self.journal.read_text().split("\n")[:-1] if whole else []
        self.there = {int(line) for line in lines if line.isdigit()} & set(range(count))
        if not whole:
            self.journal.unlink(missing_ok=True)
            with self.file.open("wb") as file:
                file.truncate(one.size)
            self.journal.touch()
        self.waiting = [index for index in range(count) if index not in self.there]
        self.left = len(self.waiting)

    def size_there(self) -> int:
        return sum(min(PART, self.one.size - index * PART) for index in self.there)

    def fetch_part(self, s3: Any, index: int, meter: _Meter) -> bool:
        """Fetch one part and write it down; true if it was the last."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError, ResponseStreamingError

        for attempt in range(TRIES):
            counted = 0
            try:
                for size in self._receive(s3, index):
                    counted += size
                    meter.add(size)
                break
            except (HTTPClientError, IncompleteReadError, ResponseStreamingError):
                meter.add(-counted)
                if attempt == TRIES - 1:
                    raise
                time.sleep(0.2 * 2**attempt)
        with self.lock:
            with self.journal.open("a") as journal:
                journal.write(f"{index}\n")
            self.left -= 1
            return self.left == 0

    def _receive(self, s3: Any, index: int) -> Iterator[int]:
        start, end = index * PART, min((index + 1) * PART, self.one.size)
        ranged = {"Range": f"bytes={start}-{end - 1}"} if self.one.size > PART else {}
        answer = s3.get_object(Bucket=self.bucket.name, Key=self.one.key, IfMatch=f'"{self.one.etag}"', **ranged)
        if answer["ETag"].strip('"') != self.one.etag:
            raise SafsError(f"s3://{self.bucket.name}/{self.one.key} changed while it was fetched; try again")
        with self.file.open("r+b") as file:
            file.seek(start)
            for chunk in answer["Body"].iter_chunks(CHUNK):
                if file.tell() + len(chunk) > end:
                    raise SafsError(f"s3://{self.bucket.name}/{self.one.key}: the server sends more than was asked for")
                file.write(chunk)
                yield len(chunk)
            if file.tell() != end:
                raise SafsError(f"s3://{self.bucket.name}/{self.one.key}: the server sends less than was asked for")

    def keep(self, cache: Path) -> None:
        """Check the content and move it to where it is kept.

        Raises:
            SafsError: it is not what the ETag says.
        """
        md5, sha, parts = hashlib.md5(usedforsecurity=False), hashlib.sha256(), []
        with self.file.open("rb") as file:
            while block := file.read(PART):
                md5.update(block)
                sha.update(block)
                parts.append(hashlib.md5(block, usedforsecurity=False).digest())
        if not _fits(self.one.etag, md5.hexdigest(), parts):
            self.journal.unlink()
            self.file.unlink()
            raise SafsError(
                f"s3://{self.bucket.name}/{self.one.key}: what came is not what the ETag {self.one.etag} vouches for; try again"
            )
        target = cache / "objects" / sha.hexdigest()[:2] / sha.hexdigest()
        target.parent.mkdir(parents=True, exist_ok=True)
        self.file.chmod(0o444)
        self.file.replace(target)
        index = cache / "index" / _key(self.bucket, self.one)
        index.parent.mkdir(parents=True, exist_ok=True)
        beside = index.with_name(f".{index.name}.{os.getpid()}")
        beside.write_text(sha.hexdigest())
        beside.replace(index)
        self.journal.unlink()


def _fetch_all(cache: Path, bucket: Bucket, missing: list[Stored], meter: _Meter) -> None:
    s3 = client()
    downloads = [_Download(cache, bucket, one) for one in missing]
    for download in downloads:
        meter.add(download.size_there())
    stopped = threading.Event()

    def work(download: _Download, index: int | None) -> None:
        if stopped.is_set():
            return
        try:
            if index is None or download.fetch_part(s3, index, meter):
                download.keep(cache)
        except BaseException:
            stopped.set()
            raise

    with told(bucket.uri), ThreadPoolExecutor(WORKERS) as pool:
        parts = [(one, index) for one in downloads for index in (one.waiting or NOTHING_LEFT)]
        jobs = [pool.submit(work, download, index) for download, index in parts]
        done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
        stopped.set()
        for job in done:
            job.result()


def _fits(etag: str, md5: str, parts: list[bytes]) -> bool:
    """Whether content fits an ETag: an MD5, or the MD5 of the MD5s of parts of 8 MiB; of others nothing can be said."""
    plain, dash, count = etag.partition("-")
    if not dash:
        return len(etag) != 32 or etag == md5
    if count != str(len(parts)):
        return True
    joined = hashlib.md5(b"".join(parts), usedforsecurity=False).hexdigest()
    return plain == joined or len(parts) < 2


def _key(bucket: Bucket, one: Stored) -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    entry = "\0".join([endpoint, bucket.name, one.key, one.etag, str(one.size)])
    return hashlib.sha256(entry.encode()).hexdigest()


def _known(cache: Path, bucket: Bucket, one: Stored) -> Path | None:
    """Where the object's content is kept, if it is."""
    index = cache / "index" / _key(bucket, one)
    if not index.is_file():
        return None
    sha = index.read_text()
    content = cache / "objects" / sha[:2] / sha
    return content if content.is_file() and content.stat().st_size == one.size else None


def _link(content: Path, target: Path) -> None:
    try:
        target.hardlink_to(content)
    except OSError:
        shutil.copyfile(content, target)
