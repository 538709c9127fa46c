"""Runs checks side by side, each with a time-out, and never lets one of them stop the others."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from safs.errors import SafsError

State = Literal["fine", "absent", "broken"]


class Finding(NamedTuple):
    """What a check has found.

    Attributes:
        part: what was looked at.
        state: fine, absent (it is not set up, which is no fault) or broken.
        text: what there is, or what to do.
    """

    part: str
    state: State
    text: str


class Absent(Exception):  # noqa: N818 - it is no error
    """Raised by a check for a part that is not set up; the text says how it would be."""


Check = Callable[[], str]


def examine(checks: Mapping[str, Check], seconds: float) -> list[Finding]:
    """Run checks side by side.

    Args:
        checks: by part, what says how it is; it raises `Absent`, or any error if the part is broken.
        seconds: how long all of them may take together.
    """
    found: dict[str, Finding] = {}

    def run(part: str, check: Check) -> None:
        try:
            found[part] = Finding(part, "fine", check())
        except Absent as reason:
            found[part] = Finding(part, "absent", str(reason))
        except SafsError as error:
            found[part] = Finding(part, "broken", str(error))
        except Exception as error:
            text = " ".join(str(error).split())[:300]
            found[part] = Finding(part, "broken", f"{type(error).__name__}: {text}")

    # daemons: one that hangs does not keep the process
    threads = [threading.Thread(target=run, args=item, daemon=True) for item in checks.items()]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = f"no answer in {seconds:g} s; see whether it is reachable from here (name, port, network policy)"
    return [found.get(part, Finding(part, "broken", late)) for part in checks]
