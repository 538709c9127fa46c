"""Progress of a step, told to whoever started it."""

import json
import os
import sys
import time
from typing import Any, Protocol

MARK = "::safs::"
TELL = "SAFS_TELL"  # set to the id of the process that listens


class Progress(Protocol):
    """Shows how far a step is."""

    def update(self, done: int, total: int, text: str) -> None:
        """So much of so much is done."""


class Lines:
    """Plain lines in a log, at most one every few seconds: what a pod's log needs."""

    def __init__(self, step: str, every: float = 5.0) -> None:
        self.step, self.every, self.last = step, every, 0.0

    def update(self, done: int, total: int, text: str) -> None:
        now = time.monotonic()
        if done >= total or now - self.last >= self.every:
            self.last = now
            print(f"{self.step} {done}/{total} {text}".rstrip(), flush=True)


class Told:
    """Marked JSON lines, which `safs run` reads from its tasks and draws as bars."""

    def __init__(self, step: str, label: str) -> None:
        self.step, self.label = step, label

    def update(self, done: int, total: int, text: str) -> None:
        self.tell(done=done, total=total, text=text)

    def tell(self, **values: Any) -> None:
        """Write an event."""
        event = {"step": self.step, "label": self.label, "time": time.time(), **values}
        print(MARK + json.dumps(event), file=sys.__stdout__, flush=True)


def progress_for(step: str, label: str) -> Progress:
    """Marked lines where `safs run` listens, plain ones elsewhere."""
    return Told(step, label) if os.environ.get(TELL) else Lines(step)
