"""The whole DAG on this machine: results, cache, repetition, interruption, registry."""

import html
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from browser import console
from mlflow import MlflowClient
from small_run import SAFS, SMALL, safs

import safs as package

pytestmark = pytest.mark.integration
EVERYTHING = 2 + 2 * 4 + 2


def selections(workspace):
    """What every run of a workspace has selected, the oldest first."""
    paths = sorted((workspace / "pipeline").glob("*/select/out/selection.json"))
    return [json.loads(path.read_text()) for path in paths]


def client_of(workspace):
    return MlflowClient(f"sqlite:///{workspace}/mlflow.db")


def test_a_run_prints_the_table_and_where_to_look_next(first_run):
    workspace, done = first_run
    assert len(done.ran) == EVERYTHING
    for words in ("pruned ReLU", "stage 1", "stage 2", "SAFS", "90%", "95%", "report", "safs version 1", "mlflow ui"):
        assert words in done.out
    evaluation = selections(workspace)[0]["evaluations"][0]
    mean = evaluation["variants"]["safs"]["test_mean"]
    assert f"{100 * mean:.2f}" in done.out
    assert "Traceback" not in done.err


def test_all_sparse_variants_of_a_seed_share_one_mask(first_run):
    from safs.models import load_model
    from safs.pruning.masks import masks_of

    workspace, _ = first_run
    for finetuned in (workspace / "pipeline").glob("*/for-loop-1-iteration-*/finetune/out/seed-0"):
        pruned = masks_of(load_model(finetuned.parents[2] / "prune" / "out" / "seed-0")[0])
        for variant in ("relu", "stage1", "stage2", "safs"):
            own = masks_of(load_model(finetuned / variant)[0])
            assert all(bool((own[name] <= pruned[name]).all()) for name in pruned), variant


def test_mlflow_has_a_run_for_the_pipeline_for_each_step_and_for_each_trial(first_run):
    workspace, _ = first_run
    client = client_of(workspace)
    runs = client.search_runs([client.get_experiment_by_name("safs").experiment_id], max_results=1000)
    by_parent = {}
    for run in runs:
        assert run.info.status == "FINISHED"
        by_parent.setdefault(run.data.tags.get("mlflow.parentRunId"), []).append(run)
    (parent,) = by_parent[None]
    evaluation = selections(workspace)[0]["evaluations"][0]
    assert parent.data.metrics["pipeline.test_accuracy.safs.0.9"] == evaluation["variants"]["safs"]["test_mean"]
    assert parent.data.tags["safs.model"] == "safs/1"
    assert parent.inputs.dataset_inputs[0].dataset.digest == evaluation["data_fingerprint"][:32]
    steps = by_parent[parent.info.run_id]
    assert len(steps) == EVERYTHING
    names = {run.info.run_name: run for run in steps}
    assert names["search 0.9"].data.params["search.candidates"] == "3"
    assert all(key.startswith(f"{run.data.tags['safs.step']}.") for run in steps for key in run.data.params)
    prepared = names["prepare"]
    assert prepared.inputs.dataset_inputs[0].dataset.digest == prepared.data.tags["safs.data_fingerprint"][:32]
    candidates = by_parent[names["search 0.9"].info.run_id]
    assert 1 <= len(candidates) <= 3
    (dense,) = by_parent[names["pretrain"].info.run_id]
    history = client.get_metric_history(dense.info.run_id, "pretrain.validation_accuracy")
    assert [point.step for point in history] == [1, 2, 3]


def test_kfp_artifacts_carry_metadata_metrics_report_and_confusion_matrix(first_run):
    workspace, _ = first_run
    folder = next((workspace / "pipeline").glob("*/for-loop-1-iteration-0/evaluate"))
    outputs = json.loads((folder / "executor_output.json").read_text())["artifacts"]
    evaluation = json.loads((folder / "out" / "evaluation.json").read_text())
    metrics = outputs["metrics"]["artifacts"][0]["metadata"]
    assert metrics["safs_test_accuracy"] == pytest.approx(evaluation["variants"]["safs"]["test_mean"])
    matrix = outputs["confusion"]["artifacts"][0]["metadata"]["confusionMatrix"]
    assert [row["row"] for row in matrix["rows"]] == evaluation["confusion"]
    assert (folder / "report").read_text().startswith("<!doctype html>")
    assert outputs["out"]["artifacts"][0]["metadata"]["sparsity"] == evaluation["sparsity"]


def cells(page):
    """The rows of a page's tables, as texts."""
    rows = re.findall(r"<tr[ >].*?</tr>", page, re.DOTALL)
    return [
        [html.unescape(re.sub(r"<[^>]+>", "", c)).strip() for c in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


def test_the_numbers_of_the_report_stand_in_mlflow(first_run):
    workspace, _ = first_run
    client = client_of(workspace)
    runs = client.search_runs([client.get_experiment_by_name("safs").experiment_id], max_results=1000)
    figures = next(run.data.metrics for run in runs if run.info.run_name == "evaluate 0.9")
    page = next((workspace / "pipeline").glob("*/for-loop-1-iteration-0/evaluate/out/report.html")).read_text()
    accuracy, sizes = [row[1:] for row in cells(page) if row[:1] == ["90%"]]
    for cell, name in zip(accuracy, ("dense", "relu", "stage1", "stage2", "safs"), strict=False):
        assert cell == f"{100 * figures[f'evaluate.{name}_test_accuracy']:.2f}"
    assert accuracy[5] == f"{100 * figures['evaluate.safs_gain']:+.2f}".replace("-", "\N{MINUS SIGN}")
    assert sizes[0] == f"{figures['evaluate.weights_left']:,.0f}"
    assert sizes[2] == f"{figures['evaluate.sparse_bytes']:,.0f}"


@pytest.mark.parametrize("width", [1440, 390])
def test_the_reports_open_in_a_browser_that_has_nothing_to_say(first_run, tmp_path, width):
    workspace, _ = first_run
    pages = list((workspace / "pipeline").glob("**/out/report.html"))
    assert len(pages) == 4
    assert [line for page in pages for line in console(page, tmp_path, width)] == []
    curious = tmp_path / "curious.html"
    curious.write_text(
        pages[0].read_text().replace("<body>", '<body><img src="https://example.org/x.png"><script>1</script>')
    )
    assert len(console(curious, tmp_path, width)) == 2


def test_the_registered_model_predicts_with_the_accuracy_of_the_table_and_without_pickle(first_run, tmp_path):
    workspace, _ = first_run
    chosen = selections(workspace)[0]["chosen"]
    script = tmp_path / "predict.py"
    script.write_text(
        "import sys, numpy as np, mlflow\n"
        "mlflow.set_tracking_uri(sys.argv[1])\n"
        "model = mlflow.pyfunc.load_model('models:/safs@challenger')\n"
        "x = np.load(sys.argv[2] + '/test_x.npy').astype('float32') / 255\n"
        "print((model.predict({'images': x}).argmax(1) == np.load(sys.argv[2] + '/test_y.npy')).mean())\n"
    )
    data = next((workspace / "pipeline").glob("*/prepare/out"))
    done = subprocess.run(
        [sys.executable, script, f"sqlite:///{workspace}/mlflow.db", data],
        env=os.environ | {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) == pytest.approx(chosen["test_accuracy"], abs=1e-9)


@pytest.mark.service
def test_the_model_is_served_without_torch_with_the_accuracy_of_the_table(first_run, tmp_path):
    workspace, _ = first_run
    chosen = selections(workspace)[0]["chosen"]
    data = next((workspace / "pipeline").glob("*/prepare/out"))
    images, labels = (np.load(data / f"test_{part}.npy") for part in "xy")
    for name in ("torch", "kfp"):  # as if they were not installed
        (tmp_path / f"{name}.py").write_text("raise ModuleNotFoundError(__name__)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [Path(sys.executable).with_name("mlflow"), "models", "serve", "-m", "models:/safs@challenger"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{workspace}/mlflow.db", "PYTHONPATH": str(tmp_path)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where uvicorn is
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            found = ask(port, {"inputs": {"images": (images / np.float32(255)).tolist()}}, tmp_path / "log")
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()
    accuracy = np.mean(np.argmax(found["predictions"], axis=1) == labels)
    assert accuracy == pytest.approx(chosen["test_accuracy"], abs=1e-9)


def ask(port, body, log):
    """What a server answers once it has started."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    for _ in range(240):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            pytest.fail(error.read().decode() + log.read_text())
        except OSError:
            time.sleep(0.25)
    pytest.fail(log.read_text())


def test_the_registered_version_has_signature_example_and_tags(first_run):
    from mlflow.models import get_model_info

    workspace, _ = first_run
    client = client_of(workspace)
    version = client.get_model_version_by_alias("safs", "challenger")
    chosen = selections(workspace)[0]["chosen"]
    assert float(version.tags["sparsity"]) == chosen["sparsity"]
    assert json.loads(version.tags["activations"]) == chosen["activations"]
    assert version.tags["data_fingerprint"] == selections(workspace)[0]["evaluations"][0]["data_fingerprint"]
    assert client.get_run(version.tags["pipeline_run"]).data.tags["safs.pipeline"] == "training"
    info = get_model_info(version.source.removeprefix("file://"))
    assert info.signature.inputs.to_dict()[0]["tensor-spec"]["shape"] == (-1, 1, 28, 28)
    assert info.saved_input_example_info is not None
    files = [path.suffix for path in Path(version.source.removeprefix("file://")).rglob("*")]
    assert not {".pkl", ".pickle", ".pt", ".pth"} & set(files)


def test_a_second_run_takes_finished_steps_from_the_cache_and_a_change_runs_what_follows_it(first_run, tmp_path):
    workspace, _ = first_run
    again = safs("run", *SMALL, "--workspace", workspace)
    assert again.code == 0, again.err
    assert again.ran == ["register"], "registration is repeated, and finds the model registered"
    assert "safs version 1" in again.out
    changed = safs("run", *SMALL, "--history", 2, "--workspace", workspace)
    assert changed.code == 0, changed.err
    steps = {name.split()[0] for name in changed.ran}
    assert steps == {"search", "finetune", "evaluate", "select", "register"}


def test_a_change_of_the_package_makes_the_cache_stale_and_the_same_seed_gives_the_same_again(first_run, tmp_path):
    workspace, _ = first_run
    copy = tmp_path / "src" / "safs"
    shutil.copytree(Path(package.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "pruning" / "masks.py").open("a") as file:
        file.write("\n# changed\n")
    changed = safs("run", *SMALL, "--workspace", workspace, PYTHONPATH=str(copy.parent))
    assert changed.code == 0, changed.err
    assert len(changed.ran) == EVERYTHING
    assert selections(workspace)[-1]["evaluations"] == selections(workspace)[0]["evaluations"]


def test_a_killed_run_goes_on_and_repeats_no_finished_trial(tmp_path):
    workspace = tmp_path / "w"
    more = " ".join(SMALL).replace("--candidates 3", "--candidates 12").replace("0.9 0.95", "0.9").split()
    command = [SAFS, "run", *more, "--workspace", workspace]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        journal = wait_for(lambda: next((workspace / "work").glob("search-*/seed-0.jsonl"), None))
        wait_for(lambda: journal.read_bytes().count(b"\n") >= 4)
    finally:
        process.kill()  # only the command itself: its tasks must notice and end
        process.wait()
    finished = journal.read_bytes().splitlines()
    assert 4 <= len(finished) < 12, "the kill came in the middle of the search"
    done = safs("run", *more, "--workspace", workspace)
    assert done.code == 0, done.err
    runs = client_of(workspace).search_runs(["1"], max_results=1000)
    assert not [run for run in runs if run.info.status == "RUNNING"], "no run stays open for ever"
    assert done.ran[0].startswith("search"), "what was finished before comes from the cache"
    (whole,) = (workspace / "pipeline").glob("*/for-loop-1-iteration-0/search/out/seed-0.jsonl")
    lines = whole.read_bytes().splitlines()
    assert lines[: len(finished)] == finished
    trials = [json.dumps(json.loads(line)["trial"], sort_keys=True) for line in lines]
    assert len(trials) == len(set(trials)), "no trial was run twice"
    undisturbed = safs("run", *more, "--no-cache", "--workspace", workspace)
    assert undisturbed.code == 0, undisturbed.err
    assert len(undisturbed.ran) == 2 + 4 + 2, "nothing comes from the cache"
    continued, whole_again = selections(workspace)[-2:]
    assert continued["evaluations"] == whole_again["evaluations"]


def test_the_gate_stays_shut_when_no_model_is_good_enough(first_run):
    workspace, _ = first_run
    done = safs("run", *SMALL, "--accuracy-floor", 1, "--max-bytes", 100, "--workspace", workspace)
    assert done.code == 0, done.err
    assert done.ran == ["select"]
    assert "nothing selected: none of 2 models has validation accuracy 100.00% or more" in " ".join(done.out.split())


def wait_for(condition, seconds=120):
    """The first true value of a condition."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
