"""Whether a request comes from MLflow, is fresh, and comes for the first time.

MLflow signs `DELIVERY.TIMESTAMP.BODY` by HMAC-SHA256 with the webhook's secret and sends `v1,` and the signature in base64
(its `webhooks/delivery.py`, in the manner of standardwebhooks.com). It repeats a delivery that failed under the same number.
"""

import base64
import hashlib
import hmac
import re
import sqlite3
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from safs.errors import SafsError

SIGNATURE, TIMESTAMP, DELIVERY = "X-MLflow-Signature", "X-MLflow-Timestamp", "X-MLflow-Delivery-Id"
WINDOW = 300  # seconds that a request's clock may be off
SHORTEST_SECRET = 16  # characters


class RefusedError(Exception):
    """A request that is not believed.

    Args:
        status: of the answer.
        reason: for the log; the sender is not told.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def sign(secret: str, delivery: str, timestamp: str, body: bytes) -> str:
    """The signature as MLflow sends it."""
    digest = hmac.new(secret.encode(), f"{delivery}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


class Gate:
    """Lets a delivery through once.

    Args:
        secret: the webhook's.
        state: file that remembers deliveries, so that none comes twice, not even after a restart.
        window: seconds that a request's clock may be off.

    Raises:
        SafsError: the secret is too short, or the file cannot be written.
    """

    def __init__(self, secret: str, state: Path, window: int = WINDOW) -> None:
        if len(secret) < SHORTEST_SECRET:
            raise SafsError(f"the webhook's secret has {len(secret)} characters; at least {SHORTEST_SECRET} are needed")
        self.secret, self.window, self.lock = secret, window, threading.Lock()
        try:
            state.parent.mkdir(parents=True, exist_ok=True)
            self.seen = sqlite3.connect(state, check_same_thread=False, isolation_level=None)
            self.seen.execute(
                "CREATE TABLE IF NOT EXISTS seen (delivery TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            raise SafsError(f"{str(state)!r} cannot remember deliveries: {error}") from None

    def admit(self, headers: Mapping[str, str], body: bytes) -> str:
        """Check a request; gives its delivery's number.

        Raises:
            RefusedError: the signature is not right, the time is too far from now, or the delivery has been let through.
        """
        delivery, timestamp = headers.get(DELIVERY) or "", headers.get(TIMESTAMP) or ""
        signature = headers.get(SIGNATURE) or ""
        if not (re.fullmatch(r"[\x21-\x7e]{1,128}", delivery) and re.fullmatch(r"[0-9]{1,12}", timestamp)):
            raise RefusedError(401, "no delivery or no time")
        wanted = sign(self.secret, delivery, timestamp, body)
        if not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
            raise RefusedError(401, "wrong signature")
        if abs(time.time() - int(timestamp)) > self.window:
            raise RefusedError(401, f"its time {timestamp} is more than {self.window} seconds from now")
        with self.lock, closing(self.seen.cursor()) as cursor:
            cursor.execute("DELETE FROM seen WHERE at < ?", (time.time() - 4 * self.window,))
            cursor.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (delivery, time.time()))
            if cursor.rowcount == 0:
                raise RefusedError(409, f"delivery {delivery} has come before")
        return delivery

    def forget(self, delivery: str) -> None:
        """Let a delivery come again, for what it asks for could not be done."""
        with self.lock:
            self.seen.execute("DELETE FROM seen WHERE delivery = ?", (delivery,))
