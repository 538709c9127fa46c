"""What it has cost to make a step's output: its own time, and that of all the steps it stands on."""

import resource
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safs.files import COST, read_json, write_json


@contextmanager
def count_cost(step: str, folder: Path, inputs: Iterable[Any]) -> Iterator[None]:
    """Write `cost.json` when a step ends: by step, wall and CPU seconds, those of its input folders included.

    A try that ends with an error counts; one that is killed does not.

    Args:
        step: the step's name.
        folder: where the step works, and where an earlier try may have worked.
        inputs: the step's inputs; folders with a `cost.json` are what it stands on.
    """
    spent: dict[str, Any] = {}
    for value in inputs:
        for path in value if isinstance(value, list) else [value]:
            if isinstance(path, Path):
                spent = cost_of(path) | spent
    own = cost_of(folder).get(step, {"seconds": 0.0, "cpu_seconds": 0.0})
    wall, cpu = time.monotonic(), _cpu()
    try:
        yield
    finally:
        seconds = {"seconds": time.monotonic() - wall, "cpu_seconds": _cpu() - cpu}
        write_json(folder / COST, {**spent, step: {name: own[name] + value for name, value in seconds.items()}})


def cost_of(folder: Path) -> dict[str, Any]:
    """What a step's output and all it stands on have cost: seconds and cpu_seconds by step; empty if it is not known."""
    return dict(read_json(folder / COST)) if (folder / COST).is_file() else {}


def _cpu() -> float:
    """CPU seconds of this process and of the workers that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
