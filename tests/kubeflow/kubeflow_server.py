"""A small Kubeflow Pipelines: the v2beta1 calls in the shapes of `kfp_server_api`, kept in memory, able to fail at will.

Answers are checked against the client's own models, so that a shape it does not know cannot be sent by mistake.
"""

import itertools
import json
import operator
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import kfp_server_api as api

API = "/apis/v2beta1/"
PATIENCE = (2.0, 0.8)  # seconds that a client of tests waits for an answer
KINDS = {
    "experiments": (api.V2beta1Experiment, "experiment_id"),
    "runs": (api.V2beta1Run, "run_id"),
    "recurringruns": (api.V2beta1RecurringRun, "recurring_run_id"),
}


class Kubeflow:
    """What the server holds.

    Attributes:
        stored: entries by kind and id.
        calls: the method and path of each call so far.
        faults: pairs of a pattern of such a call and what happens to it: a status, "before" (nothing is done, the connection
            breaks), "after" (it is done, and then it breaks), "hang" (it is done, and no answer comes in time) or "html" (a
            sign-in page). Each happens once; "always" keeps it.
        several: the installation has several users.
        page: entries a page.
        token: what the client must show; None for no token.
    """

    def __init__(self):
        self.stored = {kind: {} for kind in KINDS}
        self.calls, self.tokens, self.faults, self.always = [], [], [], []
        self.several, self.page, self.token = False, 2, None
        self.ids, self.lock = itertools.count(1), threading.Lock()

    def recurring(self):
        return list(self.stored["recurringruns"].values())

    def add(self, kind, body):
        model, key = KINDS[kind]
        assert set(body) <= set(model.attribute_map.values()), "the client sends a field that the API does not have"
        number = next(self.ids)
        made = f"2026-01-01T00:00:{number:02d}Z"
        entry = {**body, key: f"{kind}-{number}", "created_at": made}
        if kind == "recurringruns":
            assert body["trigger"]["cron_schedule"]["cron"].count(" ") == 5
            assert body["mode"] in api.RecurringRunMode.allowable_values
            entry["status"] = f"{body['mode']}D"
        self.stored[kind][entry[key]] = entry
        return entry

    def handle(self, method, path, query, body):
        """Status and content of the answer to a call."""
        name, _, rest = path.removeprefix(API).partition("/")
        if name == "healthz":
            return 200, {"multi_user": self.several}
        if name not in KINDS:
            return 404, refusal(5, "Not Found")
        entries = self.stored[name]
        if method == "POST" and not rest:
            if name == "experiments" and any(one["display_name"] == body["display_name"] for one in entries.values()):
                return 409, refusal(6, "AlreadyExists: an experiment of that name")
            return 200, self.add(name, body)
        if method == "GET" and not rest:
            return 200, self.listed(name, query)
        found, _, verb = rest.partition(":")
        if found not in entries:
            return 404, refusal(5, f"ResourceNotFoundError: {found} not found")
        if method == "DELETE":
            del entries[found]
            return 200, {}
        if verb:
            enabled = verb == "enable"
            entries[found] |= (
                {"mode": "ENABLE", "status": "ENABLED"} if enabled else {"mode": "DISABLE", "status": "DISABLED"}
            )
            return 200, {}
        return 200, entries[found]

    def listed(self, name, query):
        found = list(self.stored[name].values())
        if "filter" in query:
            for one in json.loads(query["filter"][0])["predicates"]:
                assert one["operation"] == "EQUALS"
                found = [entry for entry in found if entry.get(one["key"]) == one["string_value"]]
        if "experiment_id" in query:
            found = [entry for entry in found if entry["experiment_id"] == query["experiment_id"][0]]
        newest_first = "desc" in query.get("sort_by", [""])[0]
        if newest_first:
            found.reverse()
        count, token = len(found), query.get("page_token", [""])[0]
        later = operator.le if newest_first else operator.ge
        found = [
            entry for entry in found if not token or later(entry["created_at"], token)
        ]  # a token names an entry, as Kubeflow's do
        more = {"next_page_token": found[self.page]["created_at"]} if self.page < len(found) else {}
        key = {"recurringruns": "recurringRuns"}.get(name, name)
        return {key: found[: self.page], "total_size": count, **more}

    def fault(self, call):
        for pattern, fault in self.always:
            if re.search(pattern, call):
                return fault
        for entry in self.faults:
            if re.search(entry[0], call):
                self.faults.remove(entry)
                return entry[1]
        return None


def refusal(code, message):
    """An error in the shape that the API's gateway gives it."""
    return {"error": message, "code": code, "message": message, "details": []}


@contextmanager
def serving(kubeflow):
    """Serve it on this machine; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self):
            parts = urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else {}
            call = f"{self.command} {parts.path.removeprefix(API)}"
            with kubeflow.lock:
                kubeflow.calls.append(call)
                shown = self.headers.get("Authorization")
                kubeflow.tokens.append(shown)
                fault = kubeflow.fault(call)
                if kubeflow.token and shown != f"Bearer {kubeflow.token}":
                    fault = 401
                if fault in (None, "after", "hang"):
                    status, content = kubeflow.handle(self.command, parts.path, parse_qs(parts.query), body)
            if fault == "hang":
                time.sleep(PATIENCE[1] + 0.2)
            if fault in ("before", "after", "hang"):
                self.close_connection = True
                return
            if fault == "html":
                self.answer(200, b"<html>Sign in</html>", "text/html")
            elif fault is not None:
                self.answer(fault, json.dumps(refusal(2, "so it is")).encode())
            else:
                self.answer(status, json.dumps(content).encode())

        do_GET = do_POST = do_DELETE = _do  # noqa: N815

        def answer(self, status, data, kind="application/json"):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
