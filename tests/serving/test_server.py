"""The server: the protocol, what it refuses, its metrics, and its end."""

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

from safs.errors import SafsError
from safs.export.sparse_file import write
from safs.export.tracing import trace
from safs.runtime.pyfunc import Predictor
from safs.serving.server import Service, find_model, make_server
from tests.export.exported_networks import branches

NAME = "mine"


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("exported") / "deep" / "model.safs"
    file.parent.mkdir()
    write(file, trace(*branches(1)))
    return file


@pytest.fixture(scope="module")
def address(model_file):
    server = make_server(Service(model_file, NAME, largest=4), "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def ask(url, body=None, **headers):
    """Status and content of an answer."""
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read().decode()
            return answer.status, json.loads(text) if "json" in answer.headers["Content-Type"] else text
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def body_of(x, **more):
    entry = {"name": "images", "datatype": "FP32", "shape": list(x.shape), "data": x.ravel().tolist(), **more}
    return json.dumps({"id": "42", "inputs": [entry]}).encode()


def some(count, shape):
    return np.random.default_rng(0).random((count, *shape), np.float32)


def test_it_describes_itself_and_predicts_what_the_model_predicts(address, model_file):
    assert ask(f"{address}/v2/health/live")[0] == ask(f"{address}/v2/health/ready")[0] == 200
    status, described = ask(f"{address}/v2/models/{NAME}")
    assert status == 200
    shape = described["inputs"][0]["shape"][1:]
    x = some(3, shape)
    status, answer = ask(f"{address}/v2/models/{NAME}/infer", body_of(x))
    assert (status, answer["id"], answer["model_name"]) == (200, "42", NAME)
    (output,) = answer["outputs"]
    wanted = Predictor(model_file).predict(x)
    assert np.allclose(np.reshape(output["data"], output["shape"]), wanted, atol=1e-6)
    assert len(described["parameters"]["classes"]) == output["shape"][1]


def test_what_is_no_request_is_refused_with_what_is_wanted(address):
    infer = f"{address}/v2/models/{NAME}/infer"
    shape = ask(f"{address}/v2/models/{NAME}")[1]["inputs"][0]["shape"][1:]
    bad = some(1, shape)
    bad[0, 0, 0, 0] = np.nan
    for body in (b"", b"{", b"[]", b'{"inputs": []}', b'{"inputs": [{"shape": [1], "data": "x"}]}', b"[" * 9000):
        status, answer = ask(infer, body)
        assert (status, "inputs" in answer["error"]) == (400, True), body[:20]
    assert "n from 1 to 4" in ask(infer, body_of(some(5, shape)))[1]["error"]
    assert "n from 1 to 4" in ask(infer, body_of(some(1, shape[:-1])))[1]["error"]
    assert "no numbers" in ask(infer, body_of(bad))[1]["error"]
    too_long = int(np.prod(shape)) * 4 * 32 + 1
    assert ask(infer, b" " * too_long)[0] == 413
    assert ask(f"{address}/v2/models/other/infer", b"{}")[0] == 404
    assert ask(f"{address}/elsewhere")[0] == 404
    assert ask(infer, body_of(some(1, shape)))[0] == 200, "it still serves"


def test_it_counts_requests_times_and_predictions(address):
    infer = f"{address}/v2/models/{NAME}/infer"
    shape = ask(f"{address}/v2/models/{NAME}")[1]["inputs"][0]["shape"][1:]

    def counted(name):
        return sum(
            float(line.split()[-1]) for line in ask(f"{address}/metrics")[1].splitlines() if line.startswith(name)
        )

    before = [counted(name) for name in ('safs_serving_requests_total{code="200"}', "safs_serving_predictions_total")]
    for _ in range(3):
        ask(infer, body_of(some(2, shape)))
    after = [counted(name) for name in ('safs_serving_requests_total{code="200"}', "safs_serving_predictions_total")]
    assert [b - a for a, b in zip(before, after, strict=True)] == [3, 6]
    assert counted("safs_serving_request_seconds_count") == counted('safs_serving_request_seconds_bucket{le="+Inf"}')


def test_the_model_is_found_and_its_absence_named(model_file, tmp_path):
    assert find_model(model_file) == find_model(model_file.parent.parent) == model_file
    with pytest.raises(SafsError, match=r"holds 0 files model\.safs"):
        find_model(tmp_path)


def test_a_process_serves_and_ends_when_it_is_asked_to(model_file):
    command = [sys.executable, "-m", "safs.serving", "--model", model_file, "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        assert line.startswith("serving "), line + process.stderr.read()
        assert ask(f"http://{line.split()[-1]}/v2/health/ready")[0] == 200
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        assert process.wait(20) == 0
        assert time.monotonic() - started < 10
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
