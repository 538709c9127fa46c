"""A journal of finished trials that survives `kill -9`: one JSON line a trial, flushed to the disk."""

import json
import os
from pathlib import Path
from typing import Any


class Journal:
    """Remembers the outcome of every finished trial by the trial's own description.

    A strategy that is deterministic asks for the same trials again after a crash; the journal answers for those that
    were finished, so the search goes on where it stopped.

    Args:
        path: the journal's file; it is created with the first trial. A last line that a crash cut short is dropped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outcomes: dict[str, Any] = {}
        if not path.exists():
            return
        whole = 0
        for line in path.read_bytes().splitlines(keepends=True):
            try:
                entry = json.loads(line)
            except ValueError:
                break
            if not line.endswith(b"\n"):
                break
            self.outcomes[_key(entry["trial"])] = entry["outcome"]
            whole += len(line)
        os.truncate(path, whole)

    def get(self, trial: Any) -> Any | None:
        """The outcome of a trial, or None if it was never finished."""
        return self.outcomes.get(_key(trial))

    def add(self, trial: Any, outcome: Any) -> None:
        """Write down a finished trial; when this returns it is on the disk."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"trial": trial, "outcome": outcome}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.outcomes[_key(trial)] = outcome


def _key(trial: Any) -> str:
    return json.dumps(trial, sort_keys=True)
