"""What the relay can do: tell GitHub, or run a `safs` command."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from queue import Queue
from threading import Thread
from typing import Any

from safs.errors import SafsError
from safs.relay.rules import Rule

TIMEOUT = 15  # seconds for an answer of GitHub's
Log = Callable[[str], None]


@dataclass(frozen=True)
class GitHub:
    """A repository that is told of events.

    Attributes:
        repository: `owner/name`.
        token: one that may write the contents of the repository; it is never shown.
        api: address of the API.
    """

    repository: str
    token: str
    api: str = "https://api.github.com"

    def dispatch(self, kind: str, payload: dict[str, Any]) -> None:
        """Send a `repository_dispatch` event.

        Raises:
            SafsError: GitHub does not answer or refuses.
        """
        request = urllib.request.Request(  # noqa: S310 - the address is the operator's
            f"{self.api}/repos/{self.repository}/dispatches",
            json.dumps({"event_type": kind, "client_payload": payload}).encode(),
            {
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "Content-Type": "application/json",
                "User-Agent": "safs-relay",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            raise SafsError(f"GitHub answered {error.code} for {self.repository}") from None
        except OSError as error:
            raise SafsError(f"GitHub does not answer at {self.api} ({getattr(error, 'reason', error)})") from None


class Actions:
    """Does what rules say; commands run one after the other.

    Args:
        rules: what there is to do.
        github: who is told; None if nobody.
        log: takes lines for the log.

    Raises:
        SafsError: a rule tells GitHub, and there is none.
    """

    def __init__(self, rules: list[Rule], github: GitHub | None, log: Log) -> None:
        if github is None and any(rule.dispatch for rule in rules):
            raise SafsError("a rule has a dispatch; name the repository by --github and put a token into GITHUB_TOKEN")
        self.rules, self.github, self.log = rules, github, log
        self.waiting: Queue[tuple[str, ...]] = Queue()
        Thread(target=self._work, daemon=True).start()

    def handle(self, event: dict[str, Any]) -> int:
        """Do what an event asks for; gives how many rules it fits.

        Raises:
            SafsError: GitHub could not be told.
        """
        fitting = [rule for rule in self.rules if rule.fits(event)]
        for rule in fitting:
            if rule.dispatch and self.github:
                data = event["data"]
                payload = {key: str(data[key])[:200] for key in ("name", "version", "alias") if key in data}
                self.github.dispatch(rule.dispatch, {"event": rule.on, **payload})
                self.log(f"told GitHub of {rule.on}: {rule.dispatch}")
        for rule in fitting:
            if rule.run:
                self.waiting.put(rule.run)
        return len(fitting)

    def _work(self) -> None:
        while True:
            words = self.waiting.get()
            self.log(f"running safs {' '.join(words)}")
            done = subprocess.run([sys.executable, "-m", "safs", *words], capture_output=True, text=True, check=False)  # noqa: S603
            last = (done.stdout.strip() or done.stderr.strip() or "nothing").splitlines()[-1][:300]
            self.log(f"safs {words[0]} ended with {done.returncode}: {last}")
            self.waiting.task_done()
