"""A folder for a step's unfinished work, which a later try with the same inputs goes on with."""

import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from safs.errors import SafsError
from safs.files import check_free, code_version, fingerprint, move_folder
from safs.steps.context import Context
from safs.steps.cost import count_cost

PATIENCE = 3.0  # seconds


@contextmanager
def work_folder(step: str, out: Path, context: Context, **inputs: Any) -> Iterator[Path]:
    """Work in a folder of one's own; it becomes `out` when the step has ended well, and is kept when it has not.

    The folder belongs to these inputs: a try with other inputs, or other code, starts afresh.

    Args:
        step: the step's name.
        out: where the finished folder goes; it must be free.
        context: says where unfinished work is kept.
        inputs: all that decides the result; the content of files and folders counts, not their path.

    Raises:
        SafsError: `out` is taken, an input is missing, or another process is at the same work.
    """
    out = out.absolute()
    check_free(out)
    key = _key(step, inputs)
    folder = context.work / f"{step}-{key}" if context.work else out.with_name(f".{out.name}.partial")
    folder.parent.mkdir(parents=True, exist_ok=True)
    note = folder.with_name(f"{folder.name}.key")
    with note.open("a+") as lock:
        if not _locked(lock):
            raise SafsError(f"another process is running {step} in {folder}")
        check_free(out)  # the process that had the lock may have finished
        lock.seek(0)
        if lock.read() != key:
            shutil.rmtree(folder, ignore_errors=True)
            lock.truncate(0)
            lock.write(key)
            lock.flush()
        folder.mkdir(exist_ok=True)
        with count_cost(step, folder, inputs.values()):
            yield folder
        move_folder(folder, out)
        note.unlink()


def checkpoint_of(model: Path) -> Path:
    """Where the unfinished training of a model is kept while there is no folder `model` yet."""
    return model.with_name(f".{model.name}.checkpoint")


def _locked(file: IO[str]) -> bool:
    """Take the lock; one that a killed process still holds is free within moments."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.1)
        else:
            return True
    return False


def _key(step: str, inputs: dict[str, Any]) -> str:
    def describe(value: Any) -> Any:
        if isinstance(value, Path):
            return fingerprint(value)
        return [describe(item) for item in value] if isinstance(value, list) else value

    described = {name: describe(value) for name, value in inputs.items()}
    text = json.dumps([step, code_version(), described], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
