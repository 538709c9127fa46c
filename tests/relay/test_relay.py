"""The relay against forged, replayed, late and malformed requests, over real sockets."""

import http.client
import json
import random
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.webhooks.delivery import _generate_hmac_signature

from safs.errors import SafsError
from safs.relay.actions import Actions, GitHub
from safs.relay.rules import Rule, read_rules
from safs.relay.server import LARGEST, Relay
from safs.relay.signature import DELIVERY, SIGNATURE, TIMESTAMP, Gate, sign

SECRET = "a-secret-of-the-webhook"
EVENT = {
    "entity": "model_version_alias",
    "action": "created",
    "timestamp": "2026-01-01T00:00:00+00:00",
    "data": {"name": "safs", "alias": "challenger", "version": "7"},
}
RULE = Rule("model_version_alias.created", "safs", "challenger", dispatch="safs-challenger")


class Hub(Relay):
    """Stands in for GitHub's API: answers with a status, and keeps what it is sent."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.status = 204

        def keep(handler: Any) -> None:
            body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
            self.received.append((handler.path, body, dict(handler.headers)))
            handler._answer(self.status)

        super().__init__(("127.0.0.1", 0), None, None, lambda _: None)  # type: ignore[arg-type]
        base = self.RequestHandlerClass
        self.RequestHandlerClass = type("Api", (base,), {"do_POST": keep})


class Place:
    """A relay and the API it talks to."""

    def __init__(self, state: Path) -> None:
        self.hub, self.log = Hub(), list[str]()
        self.github = GitHub("me/mine", "a-token", f"http://127.0.0.1:{self.hub.server_port}")
        self.relay = Relay(
            ("127.0.0.1", 0), Gate(SECRET, state), Actions([RULE], self.github, self.log.append), self.log.append
        )
        self.threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,)) for server in (self.hub, self.relay)
        ]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        for server, thread in zip((self.hub, self.relay), self.threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()

    def send(self, body: bytes, headers: dict[str, str], method: str = "POST", path: str = "/webhook") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.relay.server_port, timeout=20)
        try:
            connection.request(method, path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "relay.db")
    yield place
    place.stop()


def signed(body: bytes, ago: float = 0, delivery: str = "", secret: str = SECRET) -> dict[str, str]:
    delivery, timestamp = delivery or str(uuid.uuid4()), str(int(time.time() - ago))
    signature = _generate_hmac_signature(secret, delivery, timestamp, body.decode("utf-8", "replace"))  # MLflow's own
    return {DELIVERY: delivery, TIMESTAMP: timestamp, SIGNATURE: signature, "Content-Type": "application/json"}


BODY = json.dumps(EVENT).encode()


def test_a_signed_event_is_passed_on_once(place: Place):
    headers = signed(BODY)
    assert place.send(BODY, headers) == 202
    assert place.send(BODY, headers) == 409
    ((path, sent, with_headers),) = place.hub.received
    assert path == "/repos/me/mine/dispatches"
    assert sent == {
        "event_type": "safs-challenger",
        "client_payload": {"event": RULE.on, "name": "safs", "version": "7", "alias": "challenger"},
    }
    assert with_headers["Authorization"] == "Bearer a-token"
    assert "a-token" not in "".join(place.log)
    assert SECRET not in "".join(place.log)


def test_of_a_thousand_bad_requests_none_is_accepted_and_each_good_one_is_once(place: Place):
    chance, statuses = random.Random(0), Counter[int]()
    good = [signed(BODY) for _ in range(5)]
    assert [place.send(BODY, headers) for headers in good] == [202] * 5

    def forged() -> tuple[bytes, dict[str, str]]:
        headers = signed(BODY, secret=chance.choice(["another-secret-entirely", SECRET + "x", ""]))
        return BODY, headers

    def tampered() -> tuple[bytes, dict[str, str]]:
        headers, body = signed(BODY), bytearray(BODY)
        what = chance.randrange(4)
        if what == 0:
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        elif what == 1:
            headers[TIMESTAMP] = str(int(headers[TIMESTAMP]) + 1)
        elif what == 2:
            headers[DELIVERY] = str(uuid.uuid4())
        else:
            place_ = chance.randrange(3, 40)
            old = headers[SIGNATURE]
            headers[SIGNATURE] = old[:place_] + ("A" if old[place_] != "A" else "B") + old[place_ + 1 :]
        return bytes(body), headers

    def late() -> tuple[bytes, dict[str, str]]:
        return BODY, signed(BODY, ago=chance.choice([-1, 1]) * chance.uniform(310, 1e6))

    def replayed() -> tuple[bytes, dict[str, str]]:
        return BODY, chance.choice(good)

    def unsigned() -> tuple[bytes, dict[str, str]]:
        headers = signed(BODY)
        for name in chance.sample([DELIVERY, TIMESTAMP, SIGNATURE], chance.randint(1, 3)):
            headers[name] = chance.choice(["", "v1,", "nan", "-5", "1e9", "\xff", "v1," + "A" * 5000, " "])
        return BODY, headers

    def malformed() -> tuple[bytes, dict[str, str]]:
        body = chance.choice(
            [b"", b"{", b"[]", b"null", b'{"entity": "a"}', b"\xff\xfe", b'{"data": []}', b"[" * 50_000]
        )
        delivery, timestamp = str(uuid.uuid4()), str(int(time.time()))
        return body, {DELIVERY: delivery, TIMESTAMP: timestamp, SIGNATURE: sign(SECRET, delivery, timestamp, body)}

    for number in range(1000):
        kind = (forged, tampered, late, replayed, unsigned, malformed)[number % 6]
        body, headers = kind()
        status = place.send(body, headers)
        assert 400 <= status < 500, (kind.__name__, status, headers)
        statuses[status] += 1
    assert set(statuses) == {400, 401, 409}
    assert statuses[409] >= 160
    assert len(place.hub.received) == 5
    assert place.send(BODY, signed(BODY)) == 202, "and it still works"
    assert len(place.hub.received) == 6


def test_a_delivery_is_remembered_over_a_restart(tmp_path: Path):
    headers, first = signed(BODY), Place(tmp_path / "relay.db")
    assert first.send(BODY, headers) == 202
    first.stop()
    second = Place(tmp_path / "relay.db")
    try:
        assert second.send(BODY, headers) == 409
    finally:
        second.stop()


def test_of_the_same_delivery_at_once_one_is_taken(place: Place):
    headers, statuses = signed(BODY), list[int]()
    threads = [threading.Thread(target=lambda: statuses.append(place.send(BODY, headers))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [202] + [409] * 7
    assert len(place.hub.received) == 1


def test_what_github_refuses_may_come_again(place: Place):
    headers, place.hub.status = signed(BODY), 503
    assert place.send(BODY, headers) == 502
    place.hub.status = 204
    assert place.send(BODY, headers) == 202
    assert "GitHub answered 503 for me/mine" in "".join(place.log)


def test_an_event_that_no_rule_fits_sets_off_nothing(place: Place):
    other = json.dumps({**EVENT, "data": {**EVENT["data"], "alias": "champion"}}).encode()  # type: ignore[dict-item]
    assert place.send(other, signed(other)) == 202
    assert place.hub.received == []


def test_other_paths_methods_and_large_bodies_are_refused(place: Place):
    assert place.send(BODY, signed(BODY), path="/") == 404
    assert place.send(b"", {}, method="GET", path="/healthz") == 200
    assert place.send(b"", {}, method="GET") == 404
    assert place.send(b"", {}, method="DELETE") == 501
    large = b"x" * (LARGEST + 1)
    assert place.send(large, signed(large)) == 413
    for length in ("-1", "x", "1e3", "99999999999999"):
        with socket.create_connection(("127.0.0.1", place.relay.server_port), timeout=20) as raw:
            raw.sendall(f"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
            assert raw.recv(64).split()[1] == b"411"


def test_rules_name_what_is_done_and_nothing_else(tmp_path: Path):
    file = tmp_path / "relay.yaml"
    file.write_text(
        "rules:\n  - on: model_version_alias.created\n    alias: challenger\n    run: [promote, --data, d]\n"
    )
    (rule,) = read_rules(file)
    assert rule.run == ("promote", "--data", "d")
    assert rule.fits(EVENT)
    assert not rule.fits({**EVENT, "action": "deleted"})
    for text, words in {
        "rules: []": "has no rules",
        "rule: [a]": "unknown entry 'rule'",
        "rules:\n  - {on: a.b, run: [rm, -rf]}": "unknown command 'rm'",
        "rules:\n  - {on: a.b, run: promote}": "list of words",
        "rules:\n  - {on: a.b, dispatch: x, run: [promote]}": "either a dispatch or a run",
        "rules:\n  - {on: created, dispatch: x}": "names an event",
        "rules:\n  - {on: a.b, dispatch: x, shell: y}": "unknown entry of a rule 'shell'",
    }.items():
        file.write_text(text)
        with pytest.raises(SafsError, match=words):
            read_rules(file)


def test_a_short_secret_and_a_missing_repository_are_refused(tmp_path: Path):
    with pytest.raises(SafsError, match="at least 16"):
        Gate("short", tmp_path / "relay.db")
    with pytest.raises(SafsError, match="--github"):
        Actions([RULE], None, print)


def test_a_command_is_run_and_its_end_is_logged():
    log: list[str] = []
    actions = Actions([Rule(RULE.on, run=("audit", "--no-such-flag"))], None, log.append)
    assert actions.handle(EVENT) == 1
    actions.waiting.join()
    assert log[0] == "running safs audit --no-such-flag"
    assert log[1].startswith("safs audit ended with 2: error: ")
