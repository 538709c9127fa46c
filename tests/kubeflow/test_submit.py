"""Submission against a server that speaks the few Kubeflow calls it needs."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from safs.errors import SafsError
from safs.kubeflow.parameters import pipeline_parameters
from safs.kubeflow.submit import submit_run

ARGUMENTS = {name: p.default for name, p in pipeline_parameters().items()}


class Kubeflow(BaseHTTPRequestHandler):
    """The v2beta1 calls of starting a run."""

    runs: list
    status = 200
    tokens: list

    def do_GET(self):
        if "healthz" in self.path:
            self.answer({"multi_user": False})
        elif "/experiments" in self.path:
            self.answer({"experiments": [{"experiment_id": "e1", "display_name": "safs"}]})
        else:
            self.answer({}, 404)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).tokens.append(self.headers.get("Authorization"))
        if type(self).status != 200:
            self.answer({"message": "no"}, type(self).status)
        elif self.path.endswith("/experiments"):
            self.answer({"experiment_id": "e1", "display_name": body["display_name"]})
        else:
            type(self).runs.append(body)
            self.answer({"run_id": "run-1", "experiment_id": "e1"})

    def answer(self, content, status=200):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def kubeflow():
    handler = type("Handler", (Kubeflow,), {"runs": [], "tokens": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_run_is_started_with_the_packaged_pipeline_and_the_parameters(kubeflow, monkeypatch):
    handler, host = kubeflow
    monkeypatch.setenv("KF_PIPELINES_TOKEN", "a-secret")
    run = submit_run({**ARGUMENTS, "seeds": [3]}, host, "some/image:1", "safs", "")
    assert run == "run-1"
    (sent,) = handler.runs
    assert sent["runtime_config"]["parameters"]["seeds"] == [3]
    assert sent["runtime_config"]["parameters"]["code_version"].endswith("some/image:1")
    executors = sent["pipeline_spec"]["deploymentSpec"]["executors"]
    assert {executor["container"]["image"] for executor in executors.values()} == {"some/image:1"}
    assert "Bearer a-secret" in handler.tokens
    assert "a-secret" not in json.dumps(sent)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_refusal_is_one_line_that_names_host_and_status(kubeflow, status):
    handler, host = kubeflow
    handler.status = status
    with pytest.raises(SafsError, match=f"{host} answered {status}"):
        submit_run(ARGUMENTS, host, "", "safs", "")


def test_an_endpoint_that_does_not_answer_is_named():
    with pytest.raises(SafsError, match=r"no Kubeflow Pipelines answers at http://127\.0\.0\.1:9"):
        submit_run(ARGUMENTS, "http://127.0.0.1:9", "", "safs", "")
