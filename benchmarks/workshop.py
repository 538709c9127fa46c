"""Steps in a folder that a later run of the same script goes on with, and results kept as data."""

import hashlib
import inspect
import json
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safs.files import fingerprint, write_json
from safs.steps import STEPS
from safs.steps.context import Context, Silent

RESULTS = Path(__file__).with_name("results")


class Printed(Silent):
    """Prints progress, at most one line in twenty seconds."""

    def __init__(self, name: str) -> None:
        self.name, self.last = name, time.monotonic()

    def progress(self, done: int, total: int, text: str = "") -> None:
        if time.monotonic() - self.last > 20:
            self.last = time.monotonic()
            print(f"  {self.name}: {done} of {total} {text}", flush=True)


@dataclass(frozen=True)
class Workshop:
    """Runs steps, each into a folder named after its arguments; a folder that is there is not made again.

    Args:
        root: where the folders are; a work folder below it holds what was interrupted.
    """

    root: Path

    def make(self, step: str, **arguments: Any) -> Path:
        """The output folder of a step with these arguments, made if it is not there.

        Args:
            step: a name from `STEPS`.
            arguments: the step's arguments but for `out`; defaults count as given, so that a changed one is seen.
        """
        defaults = {
            name: parameter.default
            for name, parameter in inspect.signature(STEPS[step]).parameters.items()
            if name not in ("out", "context") and parameter.default is not inspect.Parameter.empty
        }
        text = json.dumps([step, {**defaults, **arguments}], sort_keys=True, default=_describe)
        out = self.root / f"{step}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        if not out.exists():
            start = time.perf_counter()
            print(f"{out.name}", flush=True)
            STEPS[step](out=out, context=Context(tracker=Printed(step), work=self.root / "work"), **arguments)
            write_json(out.with_suffix(".time"), {"seconds": time.perf_counter() - start})
        return out


def _describe(value: Any) -> str:
    return value.name if isinstance(value, Path) and value.is_dir() else str(value)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import torch

    names = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__.partition("+")[0],
        "device": "cpu",
    }


def keep(name: str, value: dict[str, Any]) -> Path:
    """Write a result, and what it was measured on, into `benchmarks/results`."""
    RESULTS.mkdir(exist_ok=True)
    write_json(RESULTS / f"{name}.json", {"machine": machine(), **value})
    return RESULTS / f"{name}.json"


def digest(folder: Path) -> str:
    """A short fingerprint of a folder."""
    return fingerprint(folder)[:12]
