"""The real stack on one machine: PostgreSQL, an S3 server, and an MLflow server on both; `python -m tests.stack` starts it.

Everything listens on loopback, keeps its files in a folder of its own, and is gone when the command ends.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet

from tests.data.buckets import KEY, SECRET, Server, free_port, rclone
from tests.postgres import binaries, postgresql


class Stack:
    """The running servers.

    Attributes:
        url: of the MLflow server.
        environment: what a `safs` command needs to use them.
    """

    def __init__(self, folder: Path, database: str, s3: Server) -> None:
        self.folder, self.database, self.s3, self.port = folder, database, s3, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.aws = {
            "AWS_ENDPOINT_URL": s3.url,
            "MLFLOW_S3_ENDPOINT_URL": s3.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.environment = {**self.aws, "MLFLOW_TRACKING_URI": self.url, "SAFS_CACHE": str(folder / "cache")}
        self.key = Fernet.generate_key().decode()  # one for every start, as the secret in the manifests
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the MLflow server, and wait until it answers."""
        command = [
            str(Path(sys.executable).with_name("mlflow")),
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        command += [
            "--backend-store-uri",
            self.database,
            "--artifacts-destination",
            "s3://mlflow/artifacts",
            "--workers",
            "1",
        ]
        loopback = {
            "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
            "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
            "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": self.key,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "AWS_", "SAFS_"))}
        with (self.folder / "mlflow.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env=clean | self.aws | loopback,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        for _ in range(300):
            if self.process.poll() is not None:
                break
            try:  # an answer, not just an open port: the first one takes a busy machine a while
                with urllib.request.urlopen(f"{self.url}/api/2.0/mlflow/experiments/get?experiment_id=0", timeout=60):
                    return
            except OSError:
                time.sleep(1)
        raise RuntimeError((self.folder / "mlflow.log").read_text()[-3000:])

    def kill(self) -> None:
        """End the MLflow server, as a machine that fails would."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def missing() -> str:
    """Which part of the stack this machine lacks; nothing if it has all."""
    return "" if binaries() else "there is no PostgreSQL: no initdb and pg_ctl"


@contextmanager
def running() -> Iterator[Stack]:
    """The stack during the body."""
    programs = binaries()
    assert programs, missing()
    rclone()
    with tempfile.TemporaryDirectory(prefix="safs-stack-") as temporary, postgresql(programs) as database:
        folder = Path(temporary)
        for bucket in ("mlflow", "production"):
            (folder / "s3" / bucket).mkdir(parents=True)
        s3 = Server(folder / "s3")
        s3.start()
        stack = Stack(folder, database, s3)
        try:
            stack.start()
            yield stack
        finally:
            stack.kill()
            s3.kill()


def main() -> None:
    """Start the stack and say how to use it, until Ctrl-C."""
    if missing():
        sys.exit(f"error: {missing()}")
    with running() as stack:
        for name, value in stack.environment.items():
            print(f"export {name}={value}")
        print("# Ctrl-C ends it", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
