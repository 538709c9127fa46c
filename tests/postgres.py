"""A PostgreSQL server on loopback, for tests and for `python -m tests.stack`."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "secret"


def binaries() -> Path | None:
    """Where PostgreSQL's programs are, if they are anywhere."""
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    places += [Path(found).parent for found in [shutil.which("initdb")] if found]
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


@contextmanager
def postgresql(programs: Path) -> Iterator[str]:
    """The URL of a database on a server that ends with the body."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="safs-postgres-", dir="/tmp"))  # PostgreSQL's user must get there
    user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def run(*command: str) -> None:
        done = subprocess.run([*user, *command], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    password = folder / "password"
    password.write_text(f"{PASSWORD}\n")
    password.chmod(0o644)
    data, options = str(folder / "data"), f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    try:
        run(str(programs / "initdb"), "-D", data, "-U", "safs", "-A", "scram-sha-256", f"--pwfile={password}")
        run(str(programs / "pg_ctl"), "-D", data, "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            yield f"postgresql+psycopg://safs:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
