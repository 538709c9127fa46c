"""A search that is killed at random moments goes on, loses no finished trial and changes nothing."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from safs.searching.journal import Journal
from safs.searching.study import FILE
from tests.searching import search_process


def start(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, search_process.__file__, str(folder), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.integration
def test_a_search_that_is_killed_five_times_ends_as_if_it_had_not_been(
    sparse_folder: Path, small_folder: Path, tmp_path: Path
):
    undisturbed = start(tmp_path / "whole", sparse_folder, small_folder)
    out, _ = undisturbed.communicate(timeout=300)
    assert undisturbed.returncode == 0, out
    trainings = len(out.splitlines())
    draw, folder, kept = random.Random(0), tmp_path / "killed", 0
    for _ in range(5):
        process = start(folder, sparse_folder, small_folder)
        assert process.stdout is not None
        for _ in range(kept + draw.randrange(1, max(2, (trainings - kept) // 3))):
            process.stdout.readline()  # that many have ended, the ones of earlier tries included
        time.sleep(draw.random() * 0.05)
        process.kill()
        process.wait()
        finished = len(Journal(folder / "journal.jsonl").outcomes)
        assert finished >= kept, "nothing that was finished is lost"
        kept = finished
    assert 0 < kept < trainings
    process = start(folder, sparse_folder, small_folder)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert out.count("False") >= kept
    assert (folder / FILE).read_bytes() == (tmp_path / "whole" / FILE).read_bytes()
    assert (folder / "journal.jsonl").read_bytes() == (tmp_path / "whole" / "journal.jsonl").read_bytes()
    assert [path.name for path in folder.iterdir() if "checkpoints" in path.name] == []
