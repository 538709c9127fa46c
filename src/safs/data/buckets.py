"""What lies below `s3://bucket/prefix`: listed and looked at before a byte of it is fetched."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from safs.data.listing import check_name, is_ignored
from safs.errors import SafsError

WORKERS = 8
REASONS = {
    "NoSuchBucket": "there is no such bucket",
    "NoSuchKey": "there is no such object",
    "404": "there is no such bucket or object",
    "InvalidAccessKeyId": "the access key is not known there; check AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret key is wrong; check AWS_SECRET_ACCESS_KEY",
    "AccessDenied": "the credentials may not read it",
    "403": "the credentials may not read it",
    "ExpiredToken": "the session token has expired; fetch a new one",
    "RequestTimeTooSkewed": "this machine's clock differs too much from the server's; set it right",
    "PermanentRedirect": "the bucket is in another region; set AWS_REGION to the bucket's",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set AWS_REGION to the bucket's",
    "IllegalLocationConstraintException": "the bucket is in another region; set AWS_REGION to the bucket's",
    "PreconditionFailed": "the object changed while it was fetched; try again",
    "412": "the object changed while it was fetched; try again",
}


@dataclass(frozen=True)
class Stored:
    """One object of a bucket.

    Attributes:
        key: its key.
        relative: the path it gets below the data set's folder.
        size: bytes.
        etag: what the server says of its content.
    """

    key: str
    relative: str
    size: int
    etag: str


@dataclass(frozen=True)
class Bucket:
    """The objects below a prefix, in the order of their paths."""

    uri: str
    name: str
    objects: tuple[Stored, ...]

    @property
    def version(self) -> str:
        """SHA-256 of paths, sizes and ETags: it changes when an object does."""
        entries = [(one.relative, one.size, one.etag) for one in self.objects]
        return hashlib.sha256(json.dumps(entries).encode()).hexdigest()


def client() -> Any:
    """A client for S3: path style, endpoint from AWS_ENDPOINT_URL, credentials from where boto3 looks for them."""
    import boto3
    from botocore.config import Config

    session = boto3.session.Session()
    config = Config(
        s3={"addressing_style": "path"},
        retries={"mode": "standard", "max_attempts": 4},
        connect_timeout=5,
        read_timeout=30,
        max_pool_connections=2 * WORKERS,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return session.client("s3", region_name=session.region_name or "us-east-1", config=config)


def list_bucket(uri: str) -> Bucket:
    """List what lies at `s3://bucket/prefix`: the object of that key, or all objects below it.

    Raises:
        SafsError: the address is none, nothing lies there, a key is not fit to be a path, or the server refuses.
    """
    name, _, prefix = uri.removeprefix("s3://").partition("/")
    prefix = prefix.rstrip("/")
    if not name or "//" in f"/{prefix}":
        raise SafsError(f"data set {uri!r} is not an address s3://bucket/prefix")
    with told(uri):
        pages = client().get_paginator("list_objects_v2").paginate(Bucket=name, Prefix=prefix)
        entries = [entry for page in pages for entry in page.get("Contents", ())]
    found = {}
    for entry in entries:
        key = entry["Key"]
        if key == prefix:
            relative = key.rpartition("/")[2]
        elif not prefix or key.startswith(f"{prefix}/"):
            relative = key[len(prefix) + 1 :] if prefix else key
        else:
            continue  # another prefix that starts with the same letters
        if key.endswith("/") and not entry["Size"]:
            continue  # a marker of a folder
        check_path(relative, f"s3://{name}/{key}")
        if not any(is_ignored(piece) for piece in relative.split("/")):
            found[relative] = Stored(key, relative, entry["Size"], entry["ETag"].strip('"'))
    for relative in found:
        for piece in range(relative.count("/")):
            if relative.rsplit("/", piece + 1)[0] in found:
                raise SafsError(f"{uri}: {relative!r} lies below a key that is an object too; rename one of them")
    if not found:
        raise SafsError(f"{uri}: there is no object of that key and none below it; check bucket and prefix")
    return Bucket(uri, name, tuple(found[relative] for relative in sorted(found)))


def check_path(relative: str, shown: str) -> None:
    """Check that a key makes a path below the data set's folder.

    Raises:
        SafsError: it would lead out of the folder, or cannot be written down.
    """
    for piece in relative.split("/"):
        if piece in {"", ".", ".."} or "\\" in piece:
            raise SafsError(f"the key {shown!r} is refused: it is not a plain path below the prefix")
        check_name(piece, shown)


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Turns what boto3 raises into errors that a user can act on.

    Raises:
        SafsError: boto3 raised.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        reason = REASONS.get(code, error.response.get("Error", {}).get("Message") or "the server gives no reason")
        raise SafsError(f"{uri} cannot be read: {reason} ({code})") from None
    except (NoCredentialsError, PartialCredentialsError):
        raise SafsError(
            f"{uri} cannot be read: there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
        ) from None
    except BotoCoreError as error:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "Amazon's S3"
        reason = " ".join(str(error).split())
        raise SafsError(
            f"{uri} cannot be read from {endpoint}: {reason}; a try later goes on where this one stopped"
        ) from None
