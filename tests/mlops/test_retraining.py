"""Retraining is claimed once, counts only if it was started, and begins where the champion's search ended."""

import threading
from pathlib import Path

import pytest
from small_run import safs_here

from safs.errors import SafsError
from safs.mlops.records import record, records
from safs.mlops.retraining import REASON, Retrainer
from safs.mlops.tracking import open_client
from safs.retraining.decision import Rules
from tests.chain import Chain
from tests.mlops.registered import add_version


def unasked() -> str:
    raise AssertionError("nobody wanted to know")


def test_of_many_that_ask_at_once_one_starts_it(database: str, tmp_path: Path):
    started, told, start = list[str](), list[str](), threading.Barrier(4)

    def ask() -> None:
        retrainer = Retrainer(open_client(database), database, "safs", tmp_path)
        start.wait()
        try:
            decision, run = retrainer.claim(Rules(), "", unasked)
        except SafsError as error:
            told.append(str(error))
        else:
            (started if decision.start else told).append(run or decision.reason)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 1
    assert len(told) == 3
    assert all("under way" in text or "a training was started 0.0 hours ago" in text for text in told)
    client = open_client(database)
    (run,) = records(client, "retrain", "safs")
    assert run.data.tags[REASON] == "there is no champion"

    retrainer = Retrainer(client, database, "safs", tmp_path)
    assert not retrainer.claim(Rules(), "", unasked)[0].start
    retrainer.failed(run.info.run_id, "no cluster")
    assert client.get_run(run.info.run_id).info.status == "FAILED"
    assert retrainer.claim(Rules(), "", unasked)[0].start, "one that could not be started does not count"


def test_the_champion_its_batches_and_its_data_decide(chain: Chain, database: str, tmp_path: Path):
    client = open_client(database)
    model = chain.finetune / "seed-0" / "safs"
    assert add_version(client, database, chain.data, model, tmp_path) == "1"
    client.set_registered_model_alias("safs", "champion", "1")
    retrainer = Retrainer(client, database, "safs", tmp_path)
    assert retrainer.warm_start() == "", "it was registered without a search"
    experiment = client.get_run(client.get_model_version("safs", "1").run_id).info.experiment_id
    search = client.create_run(experiment, tags={"safs.step": "search"}).info.run_id
    client.log_text(search, "{}", "study.json")
    assert retrainer.warm_start() == f"mlflow:{experiment}", "its own search came from a cache"
    fingerprint = client.get_model_version("safs", "1").tags["data_fingerprint"]
    assert not retrainer.consider(Rules(), "", unasked).start
    assert not retrainer.consider(Rules(new_data=True), "", lambda: fingerprint).start
    assert retrainer.consider(Rules(new_data=True), "", lambda: "other").reason == "the data set has new content"
    for _ in range(2):
        with record(client, database, tmp_path, "monitor", "safs", "1") as look:
            look.tags({"safs.state": "drift"})
    assert retrainer.consider(Rules(), "", unasked).reason == "the latest 2 batches: drift"
    client.set_model_version_tag("safs", "1", "promotion.promoted_at", "2020-01-01T00:00:00+00:00")
    assert "days old" in retrainer.consider(Rules(drifted_batches=0), "", unasked).reason


def test_the_command_says_what_it_would_do_and_checks_its_files(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    done = safs_here(capsys, "retrain", "--dry-run", "--workspace", tmp_path)
    assert done.code == 0, done.err
    assert "a training would be started: there is no champion" in done.out
    (tmp_path / "train.yaml").write_text("sedes: [0]\n")
    done = safs_here(capsys, "retrain", "--config", tmp_path / "train.yaml", "--workspace", tmp_path)
    assert done.code == 1
    assert "did you mean 'seeds'" in done.err
    assert records(open_client(database), "retrain", "safs") == []
    done = safs_here(capsys, "retrain", "--host", "http://127.0.0.1:9", "--workspace", tmp_path)
    assert done.code == 1
    (run,) = records(open_client(database), "retrain", "safs")
    assert run.info.status == "FAILED"
    assert "127.0.0.1:9" in run.data.tags["safs.failure"]
