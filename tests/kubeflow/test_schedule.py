"""Schedules: a file becomes one recurring run, from whatever state, through whatever failure."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from kubeflow_server import PATIENCE
from small_run import safs

from safs.errors import SafsError
from safs.kubeflow.cron import six_fields
from safs.kubeflow.endpoint import Endpoint
from safs.kubeflow.reconcile import reconcile
from safs.kubeflow.schedule import read_schedule

NIGHTLY = {"name": "nightly", "cron": "30 2 * * *", "image": "some/image:1", "parameters": {"seeds": [3]}}


@pytest.fixture
def bring(kubeflow, tmp_path):
    """Writes a schedule's file and reconciles it; gives what was done."""
    _, host = kubeflow
    numbers = itertools.count()

    def do(dry_run=False, patience=(5.0, 5.0), **changes):
        file = tmp_path / f"{next(numbers)}.yaml"
        file.write_text(yaml.safe_dump(NIGHTLY | changes))
        return reconcile(*read_schedule(file), Endpoint(host, patience=patience), dry_run)

    return do


def only(content):
    (one,) = content.recurring()
    return one


def test_a_schedule_is_created_once_without_catching_up_and_without_overlap(kubeflow, bring):
    content, _ = kubeflow
    assert [line.split()[0] for line in bring()] == ["create"]
    one = only(content)
    assert (one["no_catchup"], one["max_concurrency"], one["mode"]) == (True, "1", "ENABLE")
    assert one["trigger"]["cron_schedule"]["cron"] == "0 30 2 * * *"
    assert one["runtime_config"]["parameters"]["seeds"] == [3]
    assert bring() == []
    assert only(content) is one


def test_a_change_creates_the_new_one_and_then_deletes_the_old(kubeflow, bring):
    content, _ = kubeflow
    bring()
    old = only(content)["recurring_run_id"]
    content.calls.clear()
    assert [line.split()[0] for line in bring(cron="0 3 * * *")] == ["create", "delete"]
    writes = [call for call in content.calls if not call.startswith("GET")]
    assert writes == ["POST recurringruns", f"DELETE recurringruns/{old}"]
    assert only(content)["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"


@pytest.mark.parametrize(
    "change",
    [{"image": "some/image:2"}, {"parameters": {"seeds": [4]}}, {"experiment": "other"}, {"service_account": "runner"}],
    ids=lambda change: next(iter(change)),
)
def test_every_change_of_the_file_reaches_the_recurring_run(kubeflow, bring, change):
    bring()
    assert [line.split()[0] for line in bring(**change)] == ["create", "delete"]


def test_pause_resume_and_delete(kubeflow, bring):
    content, _ = kubeflow
    bring()
    first = only(content)["recurring_run_id"]
    assert [line.split()[0] for line in bring(state="paused")] == ["pause"]
    assert (only(content)["status"], bring(state="paused")) == ("DISABLED", [])
    assert [line.split()[0] for line in bring()] == ["resume"]
    assert (only(content)["status"], only(content)["recurring_run_id"]) == ("ENABLED", first)
    assert [line.split()[0] for line in bring(state="absent")] == ["delete"]
    assert (content.recurring(), bring(state="absent")) == ([], [])
    bring(state="paused")
    assert only(content)["status"] == "DISABLED", "a paused one never runs, not even at first"


def test_a_dry_run_says_what_would_be_done_and_does_nothing(kubeflow, bring):
    content, _ = kubeflow
    assert [line.split()[0] for line in bring(dry_run=True)] == ["create"]
    bring()
    content.calls.clear()
    assert bring(dry_run=True) == []
    assert [line.split()[0] for line in bring(dry_run=True, cron="0 3 * * *")] == ["create", "delete"]
    assert not [call for call in content.calls if not call.startswith("GET")]


CALLS = ["GET healthz", "GET experiments", "POST experiments", "GET recurringruns", "POST recurringruns", "DELETE"]


@pytest.mark.parametrize("fault", [401, 404, 409, 500, "before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_whatever_call_fails_however_the_next_attempt_ends_with_one_recurring_run(kubeflow, bring, call, fault):
    content, host = kubeflow
    if call != "POST experiments":
        bring()
    old = len(content.recurring())
    content.always.append((f"^{call}", fault))
    gone = call == "DELETE" and fault == 404
    if gone:
        bring(cron="0 3 * * *")  # somebody else has deleted it, says the server
    else:
        with pytest.raises(SafsError, match=host):
            bring(cron="0 3 * * *")
    assert len(content.recurring()) >= old, "there is never none"
    content.always.clear()
    bring(cron="0 3 * * *")
    assert only(content)["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"
    assert bring(cron="0 3 * * *") == []


@pytest.mark.parametrize("call", ["POST recurringruns", "DELETE", "GET recurringruns"])
def test_an_answer_that_does_not_come_in_time_does_no_harm(kubeflow, bring, call):
    content, _ = kubeflow
    bring()
    content.always.append((f"^{call}", "hang"))
    with pytest.raises(SafsError, match="timed out"):
        bring(patience=PATIENCE, cron="0 3 * * *")
    content.always.clear()
    bring(cron="0 3 * * *")
    assert only(content)["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"


def test_two_at_once_leave_one_recurring_run(kubeflow, bring):
    content, _ = kubeflow
    content.faults += [("GET recurringruns", 503)]  # delays one of them
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: bring(), range(4)))
    assert only(content)
    assert bring() == []


def test_leftovers_on_later_pages_are_found(kubeflow, bring):
    content, _ = kubeflow
    bring()
    for _ in range(5):
        content.add("recurringruns", {key: value for key, value in only_first(content).items() if key in SENT})
    assert [line.split()[0] for line in bring()] == ["delete"] * 5
    assert only(content)["recurring_run_id"] == "recurringruns-2", "the oldest stays, whoever counts"


SENT = ("display_name", "description", "mode", "trigger", "pipeline_spec", "runtime_config", "experiment_id")


def only_first(content):
    return content.recurring()[0]


def test_a_recurring_run_of_somebody_else_is_left_alone_and_named(kubeflow, bring):
    content, _ = kubeflow
    bring()
    theirs = {key: value for key, value in only(content).items() if key in SENT} | {"description": "mine"}
    content.add("recurringruns", theirs)
    for state in ("running", "absent"):
        with pytest.raises(SafsError, match="safs has not made"):
            bring(state=state)
    assert len(content.recurring()) == 2


def test_a_run_on_data_that_may_change_reads_it_anew_each_time(kubeflow, bring):
    content, _ = kubeflow
    bring()
    assert "ScheduledTime" not in only(content)["runtime_config"]["parameters"]["code_version"]
    bring(parameters={"dataset": "s3://bucket/data"})
    assert only(content)["runtime_config"]["parameters"]["code_version"].endswith("some/image:1 [[ScheduledTime]]")


MISTAKES = [
    ({"croon": "x"}, "'croon'; did you mean 'cron'"),
    ({"cron": "30 2 * *"}, "cron is '30 2 .*second minute hour"),
    ({"cron": "61 2 * * *"}, "minute is '61': it lies between 0 and 59"),
    ({"state": "off"}, "state is 'off'.*'running', 'paused' or 'absent'"),
    ({"name": "Nightly run"}, "name is 'Nightly run'"),
    ({"parameters": {"sedes": [1]}}, "'sedes'; did you mean 'seeds'"),
    ({"parameters": {"sparsities": [2]}}, "sparsities is 2"),
    ({"image": "some image"}, "image is 'some image'"),
]


@pytest.mark.parametrize(("change", "text"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_mistake_in_the_file_is_one_line_before_any_call(kubeflow, bring, change, text):
    content, _ = kubeflow
    with pytest.raises(SafsError, match=text):
        bring(**change)
    assert content.calls == []


@pytest.mark.parametrize(
    ("cron", "fields"),
    [
        ("*/15 * * * *", "0 */15 * * * *"),
        ("5 0 9 ? * MON-FRI", "5 0 9 ? * MON-FRI"),
        ("0 0 1,15 JAN-mar *", "0 0 0 1,15 JAN-mar *"),
    ],
)
def test_a_cron_expression_gets_its_seconds(cron, fields):
    assert six_fields(cron) == fields


@pytest.mark.parametrize("cron", ["* * * * 7", "*/0 * * * *", "5-1 * * * *", "x * * * *", "@daily", "0 0 0 0 * *"])
def test_a_cron_expression_that_never_fires_is_refused(cron):
    with pytest.raises(ValueError, match=r"write|lies"):
        six_fields(cron)


def test_the_command_says_what_it_did_and_what_it_would_do(kubeflow, tmp_path):
    _, host = kubeflow
    file = tmp_path / "nightly.yaml"
    file.write_text(yaml.safe_dump(NIGHTLY))
    command = ["schedule", file, "--host", host]
    assert safs(*command, "--dry-run").out == "would create nightly: 0 30 2 * * * UTC, running\n"
    assert safs(*command).out == "create nightly: 0 30 2 * * * UTC, running\n"
    assert safs(*command).out == f"nightly is as {file} says\n"


def test_a_schedule_becomes_a_resource_for_gitops(tmp_path):
    file = tmp_path / "nightly.yaml"
    (tmp_path / "deployment.yaml").write_text("all: {timeout: 60}")
    file.write_text(yaml.safe_dump(NIGHTLY | {"state": "paused", "deployment": "deployment.yaml"}))
    done = safs("schedule", file, "--out", tmp_path / "resource.yaml", "--namespace", "mine")
    assert done.code == 0, done.err
    resource = yaml.safe_load((tmp_path / "resource.yaml").read_text())
    assert (resource["kind"], resource["metadata"]) == ("ScheduledWorkflow", {"name": "nightly", "namespace": "mine"})
    assert resource["status"] == {}, "the controller wants one to start from"
    spec = resource["spec"]
    assert (spec["enabled"], spec["noCatchup"], spec["maxConcurrency"]) == (False, True, 1)
    values = {entry["name"]: json.loads(entry["value"]) for entry in spec["workflow"]["parameters"]}
    assert values["seeds"] == [3]
    assert set(json.loads(spec["workflow"]["spec"])) == {"pipeline_spec", "platform_spec"}
