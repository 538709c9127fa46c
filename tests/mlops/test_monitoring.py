"""Monitoring of a registered version: exit codes, and what MLflow remembers."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_run import safs_here

from safs.data import load_part
from safs.mlops.records import records
from safs.mlops.tracking import open_client
from tests.chain import Chain
from tests.mlops.registered import add_version


def test_batches_are_looked_at_one_after_the_other(
    chain: Chain, digits_folder: Path, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    client = open_client(database)
    assert add_version(client, database, digits_folder, chain.finetune / "seed-0" / "safs", tmp_path) == "1"
    test = load_part(digits_folder, "test")
    batches = {
        "clean": test.x,
        "inverted": 255 - test.x,
        "tiny": test.x[:9],
        "again": 255 - test.x,
        "next": 255 - test.x[:200],
    }
    for name, x in batches.items():
        np.savez(tmp_path / f"{name}.npz", x=x)

    def look(name: str, *more: object):
        given = ["--batch", tmp_path / f"{name}.npz", "--workspace", tmp_path, "--version", 1, *more]
        return safs_here(capsys, "monitor", *given)

    done = look("clean", "--out", tmp_path / "out")
    assert done.code == 0, done.out + done.err
    assert "no drift" in done.out
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"monitor.html", "monitor.json", "metrics.prom"}
    (tmp_path / "limits.yaml").write_text("persistence: 2\n")
    slow = ["--limits", tmp_path / "limits.yaml"]
    assert look("inverted", *slow).code == 0, "the first of two in a row"
    assert look("again", *slow).code == 0, "the same batch again is no second one"
    done = look("next", *slow, "--out", tmp_path / "out")
    assert done.code == 3
    assert "drift" in done.out
    outcome = json.loads((tmp_path / "out" / "monitor.json").read_text())
    assert (outcome["state"], outcome["exit_code"]) == ("drift", 3)
    assert [one["state"] for one in outcome["earlier"]] == ["fine"] * 3
    assert look("tiny").code == 6
    done = look("missing")
    assert done.code == 6
    assert "does not exist" in done.out
    runs = records(client, "monitor", "safs", "1")
    assert [run.data.tags["safs.state"] for run in runs] == [
        "data fault",
        "data fault",
        "drift",
        "fine",
        "fine",
        "fine",
    ]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert "monitor.inputs_p_value" in runs[2].data.metrics
    done = safs_here(capsys, "monitor", "--batch", tmp_path / "clean.npz", "--workspace", tmp_path)
    assert done.code == 1
    assert "no version 'champion'" in done.err
