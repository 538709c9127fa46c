"""An HTTP server of the Open Inference Protocol, version 2, which KServe and its clients speak.

Source: https://github.com/kserve/open-inference-protocol. Bodies are JSON with FP32 tensors; sizes are bounded.
"""

import json
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from safs.errors import SafsError
from safs.runtime.network import Floats
from safs.runtime.pyfunc import Predictor
from safs.serving.metrics import Metrics
from safs.version import VERSION

BYTES_A_NUMBER = 32  # at most, in JSON


def find_model(path: Path) -> Path:
    """The one `model.safs` at or below a path.

    Raises:
        SafsError: there is none, or there are several.
    """
    found = [path] if path.is_file() else sorted(path.rglob("model.safs"))
    if len(found) != 1:
        raise SafsError(
            f"{path} holds {len(found)} files model.safs; give the output folder of `safs export`, or the file"
        )
    return found[0]


class Service:
    """A model and what is known of its use.

    Args:
        file: what `safs export` wrote.
        name: the model's name in addresses.
        largest: examples in one request at most.
    """

    def __init__(self, file: Path, name: str, largest: int) -> None:
        self.predictor, self.name, self.largest = Predictor(file), name, largest
        model = self.predictor.model
        self.shape, self.classes = tuple(model.input_shape), tuple(model.classes)
        self.metrics = Metrics(self.classes)
        self.limit = largest * int(np.prod(self.shape)) * BYTES_A_NUMBER
        self.predictor.predict(np.zeros((1, *self.shape), np.float32))  # compiled before the first request comes

    def describe(self) -> dict[str, Any]:
        """The model's metadata."""
        return {
            "name": self.name,
            "platform": "safs",
            "inputs": [{"name": "images", "datatype": "FP32", "shape": [-1, *self.shape]}],
            "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, len(self.classes)]}],
            "parameters": {"classes": list(self.classes)},
        }

    def infer(self, body: bytes) -> dict[str, Any]:
        """Answer a request to predict.

        Raises:
            SafsError: the request is not what the model takes.
        """
        identity, x = self._read(body)
        probabilities = self.predictor.predict(x)
        self.metrics.predictions(probabilities.argmax(1).tolist(), probabilities.max(1).tolist())
        shape, data = list(probabilities.shape), probabilities.ravel().tolist()
        output = {"name": "probabilities", "datatype": "FP32", "shape": shape, "data": data}
        return {"model_name": self.name, "outputs": [output], **({"id": identity} if identity else {})}

    def _read(self, body: bytes) -> tuple[str, Floats]:
        try:
            content = json.loads(body)
            (entry,) = content["inputs"]
            shape = [int(size) for size in entry["shape"]]
            x = np.asarray(entry["data"], np.float32).reshape(shape)
            identity = str(content.get("id", ""))[:200]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise SafsError(
                'the body is {"inputs": [{"name", "shape", "datatype": "FP32", "data"}]} with one input'
            ) from None
        if tuple(shape[1:]) != self.shape or not 1 <= shape[0] <= self.largest:
            raise SafsError(
                f"the input has the shape {shape}; the model takes [n, {', '.join(map(str, self.shape))}], "
                f"n from 1 to {self.largest}"
            )
        if not np.isfinite(x).all():
            raise SafsError("the input has values that are no numbers")
        return identity, x


def make_server(service: Service, host: str, port: int) -> ThreadingHTTPServer:
    """A server that listens; `serve_forever` answers.

    Args:
        service: the model.
        host: address to listen at.
        port: port to listen at; 0 for any.
    """
    handler = type("Bound", (_Handler,), {"service": service})
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = False  # requests under way are answered before the process ends
    return server


def serve(file: Path, name: str, host: str, port: int, largest: int) -> None:
    """Serve until the process is asked to end, then answer what is under way.

    Raises:
        SafsError: the file is no model.
    """
    server = make_server(Service(file, name, largest), host, port)

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    print(f"serving {file} as {name} at {host}:{server.server_port}", file=sys.stderr)
    server.serve_forever(poll_interval=0.1)
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    service: Service
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds that a client may take for a request

    def do_GET(self) -> None:
        model = f"/v2/models/{self.service.name}"
        if self.path == "/metrics":
            self._answer(200, self.service.metrics.text().encode(), "text/plain; version=0.0.4")
        elif self.path in ("/v2/health/live", "/v2/health/ready", f"{model}/ready"):
            self._json(200, {"live": True} if self.path.endswith("live") else {"ready": True})
        elif self.path == "/v2":
            self._json(200, {"name": "safs", "version": VERSION, "extensions": []})
        elif self.path == model:
            self._json(200, self.service.describe())
        else:
            self._json(404, {"error": f"there is nothing at {self.path[:200]!r}"})

    def do_POST(self) -> None:
        started = time.perf_counter()
        status, content = self._predict()
        self.service.metrics.request(status, time.perf_counter() - started)
        self._json(status, content)

    def _predict(self) -> tuple[int, dict[str, Any]]:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self.close_connection = True
            return 411, {"error": "Content-Length is missing"}
        if int(length) > self.service.limit:
            self.close_connection = True
            left = min(int(length), 4 * self.service.limit)  # who is still sending would not see the answer
            while left > 0 and (chunk := self.rfile.read(min(left, 2**16))):
                left -= len(chunk)
            return 413, {"error": f"the body has more than {self.service.limit} bytes"}
        body = self.rfile.read(int(length))
        if self.path != f"/v2/models/{self.service.name}/infer":
            return 404, {"error": f"there is nothing at {self.path[:200]!r}"}
        try:
            return 200, self.service.infer(body)
        except SafsError as error:
            return 400, {"error": str(error)}
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 500, {"error": "the model failed; the log says more"}

    def _json(self, status: int, content: dict[str, Any]) -> None:
        self._answer(status, json.dumps(content).encode(), "application/json")

    def _answer(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Requests are counted, not logged."""
