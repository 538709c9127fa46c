"""Damaged and hostile sparse files, one after the other, counted: `python -m tests.export.fuzz SECONDS [FIRST_CASE]`.

Every case is refused with an error, or is a valid network that computes what PyTorch computes in float64. A worker process
does the cases and says what became of each; one that dies or is silent for long is a crash or a hang, and another goes on.
"""

import hashlib
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter

import numpy as np
import torch

from safs.errors import SafsError
from safs.export.reference import run_reference
from safs.export.sparse_file import encode
from safs.export.tracing import trace
from safs.runtime import Model
from safs.runtime.reader import LENGTHS, MAGIC, parse
from tests.export.exported_networks import branches
from tests.export.sealing import opened, sealed

SILENCE = 60  # seconds after which a case hangs
LARGEST = 2**22  # numbers of an input that is still computed
TOLERANCE = 1e-3
JUNK = (
    None,
    True,
    -1,
    0,
    1,
    2,
    3,
    7,
    64,
    2**31,
    2**63,
    2**70,
    0.5,
    1e308,
    "",
    "relu",
    [],
    [0],
    [1, 1],
    [-1, 2**40],
    {},
)


def changed(content: bytes, draw: random.Random) -> bytes:
    """One to eight bytes of some bytes replaced, inserted or cut off."""
    raw = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        at = draw.randrange(len(raw) or 1)
        kind = draw.random()
        if kind < 0.8:
            raw[at : at + 1] = bytes([draw.randrange(256)])
        elif kind < 0.9:
            raw[at:at] = draw.randbytes(draw.randint(1, 4))
        else:
            del raw[at:]
    return bytes(raw)


def mutated(value: object, draw: random.Random) -> object:
    """A JSON value with one thing in it replaced or removed."""
    if isinstance(value, dict | list) and value and draw.random() < 0.9:
        copy = value.copy()
        key = draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
        if draw.random() < 0.9:
            copy[key] = mutated(value[key], draw)
        else:
            del copy[key]
        return copy
    if isinstance(value, int) and not isinstance(value, bool) and draw.random() < 0.6:
        return value + draw.choice((-2, -1, 1, 2, 16))
    return draw.choice(JUNK)


def case(whole: bytes, draw: random.Random) -> bytes:
    """A damaged or hostile file."""
    kind = draw.randrange(5)
    if kind == 0:
        return changed(whole, draw)
    if kind == 1:
        body = changed(whole[:-32], draw)
        return body + hashlib.sha256(body).digest()
    if kind == 2:
        lengths = list(LENGTHS.unpack_from(whole, len(MAGIC)))
        lengths[draw.randrange(len(lengths))] = draw.choice((0, 1, 2**20, 2**45, 2**64 - 1))
        body = MAGIC + LENGTHS.pack(*lengths) + whole[len(MAGIC) + LENGTHS.size : -32]
        return body + hashlib.sha256(body).digest()
    header, parts = opened(whole)
    if kind == 3:
        for _ in range(draw.randint(1, 3)):
            header = mutated(header, draw)
        return sealed(header, parts)
    which = draw.randrange(len(parts))
    parts[which] = changed(parts[which], draw)
    return sealed(header, parts)


def outcome(content: bytes, draw: random.Random) -> str:
    """What became of a file: refused, the same, too large to compute here, beyond what float32 can compute, or WRONG."""
    try:
        network = parse(content)
        model = Model(network)
    except SafsError:
        return "refused"
    if np.prod(network.input_shape, dtype=float) > LARGEST:
        return "too large to compute here"
    x = np.random.default_rng(draw.randrange(2**32)).standard_normal((3, *network.input_shape)).astype(np.float32)
    with torch.inference_mode():
        wanted, single = (
            run_reference(network, torch.from_numpy(x), t).numpy() for t in (torch.float64, torch.float32)
        )
    if not close(single, wanted):
        return "beyond float32"
    return "the same" if close(model.predict(x), wanted) else "WRONG"


def close(found: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether logits differ by little beside the largest of them; never where one is not finite."""
    return bool(np.abs(found - wanted).max() <= TOLERANCE * max(np.abs(wanted).max(), 1e-30))


def work(first: int) -> None:
    """Do cases, each told before and after, until the process is ended."""
    wholes = [encode(trace(*branches(seed)), values) for seed in (1, 2, 3) for values in ("float32", "float16")]
    number = first
    while True:
        draw = random.Random(number)
        print(number, flush=True)
        print(json.dumps(outcome(case(draw.choice(wholes), draw), draw)), flush=True)
        number += 1


def fuzz(seconds: float, first: int = 0) -> Counter[str]:
    """Counts of outcomes; whatever is in capitals is a fault, told with its case's number."""
    counts: Counter[str] = Counter()
    end, number = time.monotonic() + seconds, first
    while time.monotonic() < end:
        command = [sys.executable, "-m", "tests.export.fuzz", "work", str(number)]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        hung = threading.Event()
        while time.monotonic() < end:
            watch = threading.Timer(SILENCE, lambda worker=worker, hung=hung: (hung.set(), worker.kill()))
            watch.start()
            said, told = worker.stdout.readline(), worker.stdout.readline()
            watch.cancel()
            number = int(said or number)
            result = json.loads(told) if told else "HANG" if hung.is_set() else f"CRASH {worker.wait()}"
            counts[result] += 1
            if result.isupper() or not told:
                print(f"case {number}: {result}", flush=True)
            number += 1
            if not told:
                break
        worker.kill()
        worker.wait()
    return counts


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work(int(sys.argv[2]))
    else:
        print(dict(fuzz(float(sys.argv[1]), *map(int, sys.argv[2:]))))
