"""The GitHub workflow: what sets it off, what it may do, and that it does what `make ci` does."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / ".github" / "workflows" / "safs.yaml"
TEXT = FILE.read_text()
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_it_runs_at_a_dispatch_on_a_schedule_and_by_hand():
    events = WORKFLOW[True]  # YAML 1.1 takes a bare `on` for true
    assert {"repository_dispatch", "schedule", "workflow_dispatch", "pull_request", "push"} == set(events)
    (entry,) = events["schedule"]
    assert len(entry["cron"].split()) == 5
    assert "safs-retrain" in events["repository_dispatch"]["types"]


def test_it_lints_tests_submits_and_comments():
    commands = "\n".join(step.get("run", "") for step in STEPS)
    for words in ("make lint test-fast", "make retrain", "gh issue comment"):
        assert words in commands
    assert WORKFLOW["jobs"]["retrain"]["needs"] == "check"
    assert "pull_request" not in WORKFLOW["jobs"]["retrain"]["if"]


def test_it_may_do_little_and_takes_actions_by_their_commit():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert WORKFLOW["jobs"]["retrain"]["permissions"] == {"contents": "read", "issues": "write"}
    assert "pull_request_target" not in TEXT
    for step in STEPS:
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False
    assert all("timeout-minutes" in job for job in WORKFLOW["jobs"].values())


def test_no_command_holds_what_an_event_brings():
    for step in STEPS:
        assert "${{" not in step.get("run", ""), "an expression in a command is a way in for a stranger's words"


def test_each_make_target_exists_and_a_plain_ci_needs_one_command():
    def planned(target: str, **variables: str) -> str:
        given = [f"{name}={value}" for name, value in variables.items()]
        command = ["make", "-n", target, "VENV=.venv", *given]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    plan = planned(
        "ci", KUBEFLOW_HOST="http://kubeflow", COMPONENT_IMAGE="registry/safs@sha256:1", REASON="a $$(touch x) reason"
    )
    for words in ("ruff check", "mypy", "pytest", "safs retrain"):
        assert words in plan
    assert '--host "$KUBEFLOW_HOST"' in plan
    assert '--reason "$REASON"' in plan, "the shell expands the variable, and not what is in it"
    assert "touch x" not in plan
