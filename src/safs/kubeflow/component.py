"""What the body of every KFP component calls."""

import gc
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from safs.mlops.failure import one_line
from safs.mlops.progress import TELL, Told
from safs.mlops.tracked import run_step


def execute(step: str, **arguments: Any) -> dict[str, Any]:
    """Run a step with KFP artifacts as its paths; the output artifact gets the step's summary as metadata.

    A user's mistake ends the task with exit code 1 and one line in its log.

    Args:
        step: the step's name.
        arguments: the step's arguments; artifacts, and lists of them, stand for paths.
    """
    _end_with(os.environ.get(TELL))
    try:
        summary = run_step(step, **{name: _as_path(value) for name, value in arguments.items()})
    except Exception as error:
        line = one_line(error)
        if line is None:
            raise
        Told(step, "").tell(error=line) if os.environ.get(TELL) else print(f"error: {line}", file=sys.stderr)
        sys.exit(1)
    arguments["out"].metadata.update(summary)
    gc.freeze()  # the task ends now; collecting what it leaves would only take time
    return summary


def _end_with(listener: str | None) -> None:
    """End this task when the process that listens to it is gone, killed perhaps, for nobody would read its output."""

    def watch(process: int) -> None:
        while True:
            time.sleep(0.5)
            try:
                os.kill(process, 0)
            except ProcessLookupError:
                os._exit(1)

    if listener and listener != "0":  # a container does not see the process outside that listens
        threading.Thread(target=watch, args=(int(listener),), daemon=True).start()


def _as_path(value: Any) -> Any:
    if isinstance(value, list) and value and hasattr(value[0], "path"):
        return [Path(item.path) for item in value]
    return Path(value.path) if hasattr(value, "path") else value
