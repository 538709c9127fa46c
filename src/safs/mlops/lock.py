"""One process at a time, for what must not be done twice at once; MLflow itself is the only thing that all of them share.

MLflow has no lock and no compare-and-set: an alias or a tag is whoever's wrote last. But the name of a registered model is
unique, on a server as in an SQLite file: of two that create it, the database lets one succeed. So a lock is a chain of names,
`NAME.lock.1`, `NAME.lock.2`, and so on: who creates the next one has the lock. The newest name is never deleted, so no number
is given twice; the older ones are.

What can go wrong. *The holder dies:* it gives signs of life while it holds the lock; who finds a lock whose last sign is old
watches it for as long again, by its own clock, and takes over if none comes, which a clock that is wrong cannot hasten.
*The holder was only asleep:* it asks, before it changes anything, whether the newest name is still its own. Between that
question and the change lie some milliseconds in which nothing protects it; MLflow offers nothing that would.
"""

import getpass
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from safs.errors import SafsError

HEARTBEAT, EXPIRY = 5.0, 30.0  # seconds
ALIVE, FREE, HOLDER, PURPOSE = "alive", "free", "holder", "purpose"
ABOUT = (
    "A lock of SAFS Pipelines, kept here because names in the registry are unique. It holds no model; leave it alone."
)


@dataclass(frozen=True)
class Seen:
    """The newest name of a lock.

    Attributes:
        number: at its end; 0 if there is none yet.
        tags: what its creator wrote on it.
    """

    number: int
    tags: dict[str, str]

    @property
    def free(self) -> bool:
        """Nobody holds the lock."""
        return self.number == 0 or FREE in self.tags


class Lock:
    """A lock that all processes share that use the same MLflow.

    Args:
        client: the tracking server or database.
        name: the lock's.
        purpose: what is done under it, for the one who must wait.
        heartbeat: seconds between signs of life.
        expiry: seconds without one after which another may take over.
    """

    def __init__(
        self, client: MlflowClient, name: str, purpose: str, heartbeat: float = HEARTBEAT, expiry: float = EXPIRY
    ) -> None:
        self.client, self.prefix, self.purpose = client, f"{name}.lock.", purpose
        self.heartbeat, self.expiry = heartbeat, expiry
        self.number = 0

    @contextmanager
    def held(self) -> Iterator["Lock"]:
        """Holds the lock during the body.

        Raises:
            SafsError: somebody else holds it.
        """
        self._acquire()
        ended = threading.Event()
        thread = threading.Thread(target=self._beat, args=(ended,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()
            with suppress(MlflowException, OSError):  # another process has it, or it expires by itself
                self.client.set_registered_model_tag(self._own, FREE, "yes")

    def check(self) -> None:
        """See that the lock is still this process's own, right before something is changed.

        Raises:
            SafsError: another process has taken it over.
        """
        if self._newest().number != self.number:
            raise SafsError(
                f"{self.purpose} took too long to give a sign of life, and another process took over; nothing was changed, "
                "run it again"
            )

    @property
    def _own(self) -> str:
        return f"{self.prefix}{self.number}"

    def _acquire(self) -> None:
        seen = self._newest()
        if not seen.free:
            self._await_expiry(seen)
        self.number = seen.number + 1
        tags = {
            ALIVE: str(time.time()),
            HOLDER: f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}",
            PURPOSE: self.purpose,
        }
        try:
            self.client.create_registered_model(self._own, tags, ABOUT)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            raise self._refusal(self._newest()) from None
        newest = self._newest()
        if newest.number != self.number:  # the number was looked up before the lock had moved on
            self.client.delete_registered_model(self._own)
            raise self._refusal(newest)
        for number in self._numbers():
            if number < self.number:
                self._delete(number)

    def _await_expiry(self, seen: Seen) -> None:
        """Wait until a lock is known to be abandoned.

        Raises:
            SafsError: it is not.
        """
        if time.time() - float(seen.tags[ALIVE]) < self.expiry:
            raise self._refusal(seen)
        end = time.monotonic() + self.expiry
        while time.monotonic() < end:
            time.sleep(min(self.heartbeat, max(end - time.monotonic(), 0)))
            now = self._newest()
            if now.number != seen.number or now.tags.get(ALIVE) != seen.tags[ALIVE]:
                raise self._refusal(now)
            if now.free:
                return

    def _refusal(self, seen: Seen) -> SafsError:
        holder = seen.tags.get(HOLDER, "another process")
        return SafsError(
            f"{seen.tags.get(PURPOSE, self.purpose)} is under way ({holder}), so {self.purpose} was not started; wait for its end"
        )

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(self.heartbeat):
            try:
                self.client.set_registered_model_tag(self._own, ALIVE, str(time.time()))
            except (MlflowException, OSError):
                continue  # a server that is away for a while; `check` will tell if it was too long

    def _numbers(self) -> list[int]:
        found = self.client.search_registered_models(f"name LIKE '{self.prefix.replace(chr(39), chr(39) * 2)}%'")
        ends = (model.name.removeprefix(self.prefix) for model in found)
        return sorted(int(end) for end in ends if end.isdecimal())

    def _newest(self) -> Seen:
        for _ in range(10):
            numbers = self._numbers()
            if not numbers:
                return Seen(0, {})
            try:
                model = self.client.get_registered_model(f"{self.prefix}{numbers[-1]}")
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                continue  # the lock has moved on since
            return Seen(numbers[-1], dict(model.tags))
        raise SafsError(f"the lock {self.prefix}* changes all the time; see who uses it, in the model registry")

    def _delete(self, number: int) -> None:
        try:
            self.client.delete_registered_model(f"{self.prefix}{number}")
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
