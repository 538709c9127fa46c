"""Submission and the list of runs, against a server that speaks Kubeflow's calls."""

import json

import pytest
from kubeflow_server import PATIENCE
from small_run import safs

from safs.errors import SafsError
from safs.kubeflow.compiled import compiled
from safs.kubeflow.endpoint import Endpoint
from safs.kubeflow.parameters import pipeline_parameters
from safs.kubeflow.submit import submit_run, submitted_version

ARGUMENTS = {name: p.default for name, p in pipeline_parameters().items()}


def test_a_run_is_started_with_the_packaged_pipeline_and_the_parameters(kubeflow, monkeypatch):
    content, host = kubeflow
    monkeypatch.setenv("KF_PIPELINES_TOKEN", "a-secret")
    content.token = "a-secret"
    run = submit_run({**ARGUMENTS, "seeds": [3]}, compiled("some/image:1"), Endpoint(host), "mine")
    (sent,) = content.stored["runs"].values()
    assert run == sent["run_id"]
    assert sent["runtime_config"]["parameters"]["seeds"] == [3]
    assert sent["runtime_config"]["parameters"]["code_version"].split()[1] == "some/image:1"
    assert content.stored["experiments"][sent["experiment_id"]]["display_name"] == "mine"
    specification = sent["pipeline_spec"]
    images = {executor["container"]["image"] for executor in specification["deploymentSpec"]["executors"].values()}
    assert images == {"some/image:1"}
    registered = specification["components"]["comp-condition-2"]["dag"]["tasks"]["register"]
    assert registered["cachingOptions"] == {}, "registration is never taken from the cache"
    assert "a-secret" not in json.dumps(sent)


def test_a_projected_token_is_read_anew_for_each_call(kubeflow, monkeypatch, tmp_path):
    content, host = kubeflow
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    (tmp_path / "token").write_text("first\n")
    endpoint = Endpoint(host)
    endpoint.check()
    (tmp_path / "token").write_text("second\n")
    endpoint.check()
    assert content.tokens == ["Bearer first", "Bearer second"]
    (tmp_path / "token").unlink()
    with pytest.raises(SafsError, match=r"KF_PIPELINES_SA_TOKEN_PATH names .*token"):
        endpoint.check()


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "KF_PIPELINES_TOKEN"), (403, "--namespace"), (404, "--host"), (409, "again"), (500, "log")],
)
def test_a_refusal_is_one_line_that_names_host_status_and_what_to_do(kubeflow, status, advice):
    content, host = kubeflow
    content.always.append(("POST runs", status))
    with pytest.raises(SafsError, match=f"{host} answered {status} .*so it is.*{advice}"):
        submit_run(ARGUMENTS, compiled(), Endpoint(host))
    assert content.calls.count("POST runs") == 1, "a create is never tried twice"


@pytest.mark.parametrize("fault", ["before", "hang", "html"])
def test_an_endpoint_that_hangs_or_is_something_else_is_named(kubeflow, fault):
    content, host = kubeflow
    content.always.append(("GET healthz", fault))
    with pytest.raises(SafsError, match=f"{host}.*--host"):
        submit_run(ARGUMENTS, compiled(), Endpoint(host, patience=PATIENCE))
    assert not content.stored["runs"]


def test_a_read_that_fails_for_a_moment_is_tried_again(kubeflow):
    content, host = kubeflow
    content.faults += [("GET healthz", 503), ("GET experiments", 502)]
    assert submit_run(ARGUMENTS, compiled(), Endpoint(host)) in content.stored["runs"]


@pytest.mark.parametrize("host", ["http://127.0.0.1:9", "localhost:8080"])
def test_an_address_without_a_kubeflow_is_named(host):
    with pytest.raises(SafsError, match=host):
        submit_run(ARGUMENTS, compiled(), Endpoint(host, patience=PATIENCE))


def test_an_installation_with_several_users_wants_a_namespace(kubeflow):
    content, host = kubeflow
    content.several = True
    with pytest.raises(SafsError, match="--namespace"):
        submit_run(ARGUMENTS, compiled(), Endpoint(host))
    assert submit_run(ARGUMENTS, compiled(), Endpoint(host, "mine"))


def test_data_that_only_the_cluster_sees_is_never_taken_from_the_cache(monkeypatch):
    bundled = submitted_version(ARGUMENTS, compiled("image:1"))
    assert submitted_version(ARGUMENTS, compiled("image:1")) == bundled
    assert submitted_version(ARGUMENTS, compiled("image:2")) != bundled
    there = {**ARGUMENTS, "dataset": "/mnt/only-there"}
    monkeypatch.setattr("time.strftime", lambda _: "20260101000000")
    first = submitted_version(there, compiled("image:1"))
    monkeypatch.setattr("time.strftime", lambda _: "20260102000000")
    assert submitted_version(there, compiled("image:1")) != first


def test_runs_shows_states_and_links(kubeflow):
    content, host = kubeflow
    for number in range(5):
        content.add("runs", {"display_name": f"run {number}", "state": "SUCCEEDED", "experiment_id": "none"})
    failed = content.add("runs", {"display_name": "the last", "state": "FAILED", "experiment_id": "none"})
    failed["error"] = {"code": 2, "message": "no memory\nleft"}
    task = {"task_id": "t1", "display_name": "prune", "state": "FAILED", "error": {"message": "killed"}}
    failed["run_details"] = {"task_details": [task]}
    entry = {"run": {"value": "http://mlflow/#/runs/1", "render_type": "URL"}}
    failed["plugins_output"] = {"mlflow": {"entries": entry}}
    shown = safs("runs", "--host", host, "--limit", 3).out
    assert [line.split()[1] for line in shown.splitlines() if line.strip().startswith("run ")] == ["state", "4", "3"]
    assert f"{host}/#/runs/details/{failed['run_id']}" in shown
    one = safs("runs", failed["run_id"], "--host", host)
    assert "the last: failed" in one.out
    assert "prune: failed: killed" in one.out
    assert "error: no memory left" in one.out
    assert "mlflow run: http://mlflow/#/runs/1" in one.out
    missing = safs("runs", "nothing", "--host", host)
    assert (missing.code, missing.out) == (1, "")
    assert "answered 404" in missing.err
    assert safs("runs", "--host", host, "--experiment", "absent").out.strip() == "no runs"
