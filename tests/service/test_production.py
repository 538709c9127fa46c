"""A model's life on the real stack, one station after the other: each test goes on where the one before it ended."""

import io
import os
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent
from small_run import SAFS, SMALL, Done, safs

from safs.data import load_part
from safs.mlops.records import records
from safs.mlops.versions import alias_table
from tests.mlops.registered import add_version
from tests.mlops.test_promoting import nudge
from tests.stack import Stack

pytestmark = [pytest.mark.service, pytest.mark.long]
ONE = " ".join(SMALL).replace("0.9 0.95", "0.9").split()


@dataclass
class Life:
    """What the stations share."""

    stack: Stack
    folder: Path
    data: Path

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.stack.url)

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def call(self, *arguments: object) -> Done:
        return safs(*arguments, cwd=self.folder, timeout=1500, **self.stack.environment)

    def at_once(self, *commands: tuple[object, ...]) -> list[Done]:
        """Start commands at the same moment, and wait for their ends."""
        ended: list[Done | None] = [None] * len(commands)
        start = threading.Barrier(len(commands))

        def work(index: int) -> None:
            start.wait()
            ended[index] = self.call(*commands[index])

        threads = [threading.Thread(target=work, args=(index,)) for index in range(len(commands))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [done for done in ended if done]


@pytest.fixture(scope="module")
def life(stack: Stack, digits_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("life")
    (folder / "rules.yaml").write_text("max_latency_ratio: 0\n")
    patch = pytest.MonkeyPatch()
    for name, value in stack.environment.items():
        patch.setenv(name, value)
    yield Life(stack, folder, digits_folder)
    patch.undo()


def test_a_run_goes_on_when_the_server_is_killed_and_started_again(life: Life):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "SAFS_"))} | life.stack.environment
    command = [str(SAFS), "run", *ONE, "--workspace", str(life.workspace)]
    with (life.folder / "run.out").open("w") as out, (life.folder / "run.err").open("w") as err:
        run = subprocess.Popen(command, env=clean, stdout=out, stderr=err)
        while run.poll() is None and "✓ pretrain" not in (life.folder / "run.err").read_text():
            time.sleep(0.1)
        assert run.poll() is None, (life.folder / "run.err").read_text()
        try:
            life.stack.kill()
            time.sleep(5)
            life.stack.start()
            run.wait(timeout=1500)
        finally:
            run.kill()
    assert run.returncode == 0, (life.folder / "run.err").read_text()
    steps = re.findall(r"^✓ (\w+)", (life.folder / "run.err").read_text(), flags=re.M)
    assert steps == ["prepare", "pretrain", "prune", "search", "finetune", "evaluate", "select", "register"]
    experiment = life.client.get_experiment_by_name("safs")
    runs = life.client.search_runs([experiment.experiment_id], max_results=1000)
    whole = [run for run in runs if run.info.status == "FINISHED"]
    names = Counter(run.data.tags["safs.step"] for run in whole if "safs.step" in run.data.tags)
    assert names == Counter(steps)
    (parent,) = [run for run in whole if run.data.tags.get("safs.pipeline")]
    assert "pipeline.test_accuracy.safs.0.9" in parent.data.metrics
    trials = [run for run in whole if run.info.run_name.startswith("seed-0 candidate-")]
    assert len({run.info.run_name for run in trials}) == 3
    assert all("search.validation_accuracy" in run.data.metrics for run in trials)
    assert alias_table(life.client, "safs") == {"challenger": "1"}


def promote(life: Life, version: object) -> tuple[object, ...]:
    return "promote", "--version", version, "--data", life.data, "--rules", life.folder / "rules.yaml"


def test_of_two_promotions_at_once_one_wins_and_a_rollback_undoes_it(life: Life):
    first = life.call(*promote(life, "challenger"))
    assert first.code == 0, first.out + first.err
    (selection,) = (life.workspace / "pipeline").glob("*/select/out/model")
    assert add_version(life.client, life.stack.url, life.data, selection, life.folder, nudge) == "2"
    done = life.at_once(promote(life, "challenger"), promote(life, "challenger"))
    assert sorted(one.code for one in done) == [0, 1], [one.out + one.err for one in done]
    (loser,) = [one for one in done if one.code]
    assert re.search("under way|has no version 'challenger'", loser.err), loser.err
    assert alias_table(life.client, "safs") == {"champion": "2", "previous": "1"}
    assert len(records(life.client, "promote", "safs", "2")) == 1
    audited = life.call("audit")
    assert audited.code == 0, audited.err
    back = life.call("rollback", "--reason", "a test")
    assert back.code == 0, back.err
    assert alias_table(life.client, "safs") == {"champion": "1"}
    assert "a test" in life.client.get_model_version("safs", "2").tags["promotion.rolled_back"]


def test_drift_is_found_in_batches_on_s3_and_clean_ones_are_left_alone(life: Life):
    from safs.data.buckets import client
    from safs.data.forms import Windows
    from safs.mlops.monitoring import Monitor
    from safs.monitoring.limits import Limits
    from tests.monitoring.test_drift import DRIFTS

    test = load_part(life.data, "test")
    pixels, bucket = test.x.astype(np.float32) / 255, client()
    monitor, random = Monitor(life.client, life.stack.url, "safs", life.workspace), np.random.default_rng(3)

    def state(name: str, x: np.ndarray) -> str:
        content = io.BytesIO()
        np.savez(content, x=x)
        bucket.put_object(Bucket="production", Key=f"{name}/batch.npz", Body=content.getvalue())
        return monitor.look("champion", f"s3://production/{name}", Limits(), Windows(), None).state.label

    clean = [state(f"clean-{day}", test.x[random.choice(360, 150, replace=False)]) for day in range(10)]
    assert sum(one != "fine" for one in clean) <= 1
    for kind in ("noise", "blur", "inversion", "class shift"):
        drifted = np.round(255 * DRIFTS[kind](pixels, test.y)).astype(np.uint8)
        assert state(kind.replace(" ", "-"), drifted) == "drift", kind
    last = life.call("monitor", "--batch", "s3://production/inversion", "--out", "out")
    assert last.code == 3, last.out + last.err
    assert 'safs_monitor_state{model="safs",version="1"} 3.0' in (life.folder / "out" / "metrics.prom").read_text()


def test_of_two_retrainings_at_once_one_is_started_and_begins_with_the_champions_search(life: Life):
    flags = dict(zip(ONE[::2], ONE[1::2], strict=True))
    flags["--sparsities"] = f"[{flags.pop('--sparsity')}]"
    flags["--seeds"] = "[1]"
    config = "".join(f"{flag[2:].replace('-', '_')}: {value}\n" for flag, value in flags.items())
    (life.folder / "train.yaml").write_text(config)
    command = ("retrain", "--config", "train.yaml", "--workspace", life.workspace)
    done = life.at_once(command, command)
    assert [one.code for one in done if "is started: the latest 2 batches: drift" in one.out] == [0], [
        one.out + one.err for one in done
    ]
    (run,) = records(life.client, "retrain", "safs")
    assert run.data.tags["safs.reason"] == "the latest 2 batches: drift"
    source = life.client.get_model_version("safs", "1").tags["pipeline_run"]
    training = life.client.get_run(run.data.tags["safs.training"])
    assert training.data.params["pipeline.warm_start"] == f'"mlflow:{source}"'
    assert training.info.status == "FINISHED"
    assert alias_table(life.client, "safs") == {"champion": "1", "challenger": "3"}
    again = life.call(*command)
    assert (again.code, "no training is started: a training was started" in again.out) == (0, True)


def test_a_webhook_of_the_registry_sets_off_what_the_rules_say(life: Life):
    (life.folder / "relay.yaml").write_text(
        "rules:\n  - on: model_version_alias.created\n    model: safs\n    alias: checked\n    run: [audit, --version, checked]\n"
    )
    secret = "a-secret-of-the-webhook"
    environment = {**life.stack.environment, "SAFS_WEBHOOK_SECRET": secret, "PATH": "/usr/bin:/bin"}
    command = [str(SAFS), "relay", "--rules", "relay.yaml", "--port", "0"]
    with (life.folder / "relay.log").open("w") as log:
        relay = subprocess.Popen(command, env=environment, cwd=life.folder, stdout=log, stderr=log)
    try:
        address = waited(life.folder / "relay.log", r"listening at (\S+)")
        event = WebhookEvent(WebhookEntity.MODEL_VERSION_ALIAS, WebhookAction.CREATED)
        life.client.create_webhook("relay", address, [event], secret=secret)
        life.client.create_webhook("stranger", address, [event], secret="another-secret-entirely")
        life.stack.kill()  # started again, it knows the webhooks at once, and their secrets still
        life.stack.start()
        life.client.set_registered_model_alias("safs", "checked", "1")
        assert waited(life.folder / "relay.log", r"safs audit ended with (\d)") == "0"
        waited(life.folder / "relay.log", r"refused a request from \S+ (wrong signature)")
        assert (life.folder / "relay.log").read_text().count("1 rules") == 1
        assert secret not in (life.folder / "relay.log").read_text()
    finally:
        relay.terminate()
        relay.wait()


def waited(file: Path, pattern: str) -> str:
    """What a pattern finds in a growing file."""
    for _ in range(600):
        if found := re.search(pattern, file.read_text()):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"no {pattern!r} in:\n{file.read_text()}")
