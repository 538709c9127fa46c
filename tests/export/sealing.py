"""Sparse files taken apart and put together, with a right checksum whatever they say."""

import hashlib
import json

from safs.runtime.coding import pack, unpack
from safs.runtime.reader import LENGTHS, MAGIC


def sealed(header, parts):
    """A file with a right checksum, whatever it says."""
    raw = [json.dumps(header).encode() if not isinstance(header, bytes) else header, *parts]
    frames = [pack(part) for part in raw]
    body = MAGIC + LENGTHS.pack(*[n for f, r in zip(frames, raw, strict=True) for n in (len(f), len(r))])
    body += b"".join(frames)
    return body + hashlib.sha256(body).digest()


def opened(content):
    """Header and other parts of a file."""
    lengths = LENGTHS.unpack_from(content, len(MAGIC))
    at, parts = len(MAGIC) + LENGTHS.size, []
    for size, raw in zip(lengths[::2], lengths[1::2], strict=True):
        parts.append(unpack(content[at : at + size], raw))
        at += size
    return json.loads(parts[0]), parts[1:]
