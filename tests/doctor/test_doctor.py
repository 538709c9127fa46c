"""The doctor finds what is broken, says what to do, calls nothing broken that is merely not set up, and never hangs."""

import socket
import subprocess
import time

import pytest
from small_run import safs

from safs.doctor.examination import Absent, examine
from tests.data.buckets import rclone
from tests.kubeflow.kubeflow_server import Kubeflow, serving

NAMES = ["versions", "workspace", "tracking", "registry", "database", "object store", "Kubeflow", "image"]


def lines_of(done):
    return {next(name for name in NAMES if line[2:].startswith(name)): line for line in done.out.splitlines()}


@pytest.fixture
def silent():
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.integration
def test_on_a_fresh_machine_nothing_is_broken(tmp_path):
    done = safs("doctor", "--workspace", tmp_path, "--timeout", 120)
    assert done.code == 0, done.out + done.err
    lines = lines_of(done)
    assert list(lines) == NAMES
    assert [name for name in NAMES if lines[name][0] == "✓"] == ["versions", "workspace", "tracking"]
    assert "a run registers one" in lines["registry"]
    assert "SAFS_STORAGE" in lines["database"]


@pytest.mark.integration
def test_what_is_broken_is_named_with_what_to_do_and_without_passwords(tmp_path, silent):
    (tmp_path / "file").write_text("")
    dead = "127.0.0.1:9"
    done = safs(
        *["doctor", "--workspace", tmp_path / "file", "--host", f"http://{dead}", "--image", "not/there:1"],
        *["--storage", f"postgresql+psycopg://me:hidden@{dead}/x", "--bucket", "data", "--timeout", 120],
        MLFLOW_TRACKING_URI=f"http://me:hidden@{dead}",
        AWS_ENDPOINT_URL=f"http://{dead}",
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="hidden",
        AWS_DEFAULT_REGION="us-east-1",
    )
    assert done.code == 1
    lines = lines_of(done)
    assert [name for name in NAMES if lines[name][0] == "✗"] == NAMES[1:]
    for name, advice in {
        "workspace": "cannot be written to",
        "tracking": "start it, or unset MLFLOW_TRACKING_URI",
        "database": "see its address, user and password",
        "object store": "see AWS_ENDPOINT_URL",
        "Kubeflow": "check --host",
        "image": "image",
    }.items():
        assert advice in lines[name], lines[name]
    assert "hidden" not in done.out + done.err


def test_a_part_that_hangs_ends_with_the_time_out(silent):
    started = time.monotonic()
    found = examine({"slow": lambda: time.sleep(60) or "", "quick": lambda: "here", "none": _absent}, 0.5)
    assert time.monotonic() - started < 5
    assert [finding.state for finding in found] == ["broken", "fine", "absent"]
    assert "no answer in 0.5 s" in found[0].text


def _absent():
    raise Absent("set it up so")


def test_a_kubeflow_that_answers_is_fine_and_one_that_refuses_is_told_why(tmp_path):
    from safs.doctor.parts import kubeflow as look
    from safs.errors import SafsError

    content = Kubeflow()
    with serving(content) as host:
        assert look(host, "").endswith("no runs yet")
        content.add("runs", {"display_name": "nightly", "state": "FAILED", "experiment_id": "e"})
        assert look(host, "").endswith("last run: nightly (FAILED)")
        content.token = "secret"
        with pytest.raises(SafsError, match="KF_PIPELINES_TOKEN"):
            look(host, "")


@pytest.mark.integration
def test_the_registry_wants_a_champion_that_safs_has_registered(tmp_path, monkeypatch):
    from mlflow import MlflowClient

    from safs.doctor.parts import registry
    from safs.errors import SafsError

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    client.create_registered_model("safs")
    number = client.create_model_version("safs", str(tmp_path), tags={"model_fingerprint": "f"}).version
    other = client.create_model_version("safs", str(tmp_path)).version
    client.set_registered_model_alias("safs", "challenger", number)
    with pytest.raises(SafsError, match="safs promote"):
        registry(tmp_path, "safs")
    client.set_registered_model_alias("safs", "champion", number)
    assert registry(tmp_path, "safs") == f"champion {number}, challenger {number}"
    client.set_registered_model_alias("safs", "champion", other)
    with pytest.raises(SafsError, match="safs audit"):
        registry(tmp_path, "safs")


@pytest.mark.service
def test_a_real_object_store_is_told_from_one_that_refuses(tmp_path, monkeypatch):
    from safs.doctor.parts import object_store
    from safs.errors import SafsError

    (tmp_path / "bucket").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [rclone(), "serve", "s3", "--auth-key", "key,secret", "--addr", f"127.0.0.1:{port}", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for name, value in {
        "ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "ACCESS_KEY_ID": "key",
        "DEFAULT_REGION": "x",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        assert object_store("s3://bucket/data").endswith("empty")
        with pytest.raises(SafsError, match="make the bucket"):
            object_store("elsewhere")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        with pytest.raises(SafsError, match=r"credentials|let the key"):
            object_store("bucket")
    finally:
        process.kill()
        process.wait()
