"""A small run of the whole pipeline through the command line, as a user starts it."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

SAFS = Path(sys.executable).with_name("safs")
SMALL = [
    "--seeds",
    "0",
    "--sparsity",
    "0.9",
    "0.95",
    "--dense-epochs",
    "3",
    "--candidates",
    "3",
    "--search-epochs",
    "1",
    "--trials",
    "2",
    "--trial-epochs",
    "1",
    "--epochs",
    "2",
    "--serving-seconds",
    "0",
]


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def ran(self):
        """The tasks that ran, against those that came from the cache."""
        return re.findall(r"^✓ (\S+(?: \S+)?) +[\d.]+ s", self.err, flags=re.M)


def safs(*arguments, cwd=None, timeout=600, **environment):
    """Run the `safs` command with a clean MLflow environment."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "SAFS_"))}
    command = [str(SAFS), *map(str, arguments)]
    done = subprocess.run(
        command, env=clean | environment, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


def safs_here(capsys, *arguments):
    """Run the command inside the test's own process, which saves the imports."""
    from safs.cli import main

    code = 0
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    shown = capsys.readouterr()
    return Done(code, shown.out, shown.err)


@pytest.fixture(scope="session")
def first_run(tmp_path_factory):
    """A finished small run: its workspace and what the command printed."""
    workspace = tmp_path_factory.mktemp("runs") / "workspace"
    done = safs("run", *SMALL, "--workspace", workspace)
    assert done.code == 0, done.err
    return workspace, done
