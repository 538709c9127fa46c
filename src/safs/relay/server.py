"""The HTTP server of the relay: small bodies, short patience, one path, and answers that tell a stranger nothing."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from safs.errors import SafsError
from safs.relay.actions import Actions, Log
from safs.relay.signature import Gate, RefusedError

LARGEST = 64 << 10  # bytes of a body
PATIENCE = 10.0  # seconds for a request to come
AT_ONCE = 32  # connections
PATH, HEALTH = "/webhook", "/healthz"


class Relay(ThreadingHTTPServer):
    """Listens for webhooks until it is shut down.

    Args:
        address: host and port; port 0 takes a free one.
        gate: who is let in.
        actions: what is done then.
        log: takes lines for the log.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], gate: Gate, actions: Actions, log: Log) -> None:
        self.gate, self.actions, self.log = gate, actions, log
        self.places = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, if not too many are being served."""
        if not self.places.acquire(timeout=PATIENCE):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A connection that broke; the relay goes on."""
        self.log(f"a connection from {client_address[0]} broke")

    def receive(self, headers: Any, body: bytes) -> int:
        """Judge a request; gives the status of the answer."""
        delivery = self.gate.admit(headers, body)
        event = _event(body)
        try:
            fitting = self.actions.handle(event)
        except SafsError as error:
            self.gate.forget(delivery)  # MLflow sends it again
            self.log(f"delivery {delivery}: {error}")
            return 502
        self.log(f"delivery {delivery}: {event['entity']}.{event['action']}, {fitting} rules")
        return 202


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
        right = isinstance(event, dict) and isinstance(event["data"], dict)
        right = right and all(isinstance(event[key], str) for key in ("entity", "action"))
    except (ValueError, KeyError, RecursionError):
        right = False
    if not right:
        raise RefusedError(400, "no event of MLflow's")
    return dict(event)


class _Handler(BaseHTTPRequestHandler):
    server: Relay
    timeout = PATIENCE
    server_version, sys_version = "safs-relay", ""

    def do_POST(self) -> None:
        try:
            if self.path != PATH:
                raise RefusedError(404, "another path")
            self._answer(self.server.receive(self.headers, self._body()))
        except RefusedError as error:
            self.server.log(f"refused a request from {self.client_address[0]}: {error.reason}")
            self._answer(error.status)

    def do_GET(self) -> None:
        self._answer(200 if self.path == HEALTH else 404)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") or not (length.isascii() and length.isdigit() and len(length) < 12):
            raise RefusedError(411, "no length")
        if int(length) > LARGEST:
            raise RefusedError(413, f"{length} bytes")
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            raise RefusedError(400, "a body that is too short")
        return body

    def _answer(self, status: int) -> None:
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """The relay writes its own log, without what a stranger sends."""
