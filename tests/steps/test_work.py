import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from safs.errors import SafsError
from safs.files import COST, fingerprint, read_json
from safs.steps.context import Context
from safs.steps.cost import cost_of
from safs.steps.work import work_folder
from tests.chain import KilledError

HOLD = """
import sys
from pathlib import Path
from safs.steps.context import Context
from safs.steps.work import work_folder

out, work, value = sys.argv[1:]
with work_folder("step", Path(out), Context(work=Path(work) if work else None), value=value) as folder:
    (folder / "theirs").write_text("of another process")
    print("ready", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(params=["beside the output", "in a folder for work"])
def context(request: pytest.FixtureRequest, tmp_path: Path) -> Context:
    return Context(work=tmp_path / "work" if request.param == "in a folder for work" else None)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.name != COST}


def finish(out: Path, context: Context, step: str = "step", **inputs: Any) -> set[str]:
    """Do the work; gives what was found at its beginning."""
    with work_folder(step, out, context, **inputs) as folder:
        found = names(folder)
        (folder / "whole").write_text("whole")
    return found


def interrupt(out: Path, context: Context, **inputs: Any) -> set[str]:
    """Begin the work and be killed; gives what was found at its beginning."""
    found: set[str] = set()

    def begin() -> None:
        with work_folder("step", out, context, **inputs) as folder:
            found.update(names(folder))
            (folder / "half").write_text("half")
            raise KilledError

    with pytest.raises(KilledError):
        begin()
    return found


@contextmanager
def another_process(out: Path, context: Context, value: str) -> Iterator["subprocess.Popen[str]"]:
    """Another process that is at work until the block ends, and then finishes it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out), str(context.work or ""), value],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
        if process.poll() is None:
            process.communicate("go on\n")
    finally:
        process.kill()
        process.wait()


def test_finished_work_becomes_the_output_and_leaves_nothing_else(tmp_path: Path, context: Context):
    out = tmp_path / "outputs" / "out"
    with work_folder("step", out, context, value=1) as folder:
        (folder / "file").write_text("done")
        assert not out.exists()
    assert names(tmp_path / "outputs") == {"out", "out/file"}
    assert context.work is None or names(context.work) == set()


def test_an_empty_folder_can_be_the_output(tmp_path: Path, context: Context):
    (tmp_path / "out").mkdir()
    finish(tmp_path / "out", context)
    assert names(tmp_path / "out") == {"whole"}


def test_an_output_in_the_current_folder_needs_no_path(
    tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    finish(Path("out"), context)
    assert names(tmp_path / "out") == {"whole"}


def test_the_current_folder_is_used_or_refused_in_words(
    tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    try:
        finish(Path(), context)
    except SafsError:
        assert names(tmp_path / "here") == set()
    else:
        assert names(tmp_path / "here") == {"whole"}


@pytest.mark.parametrize("taken", ["file", "folder"])
def test_a_taken_output_is_refused_and_left_as_it_was(tmp_path: Path, context: Context, taken: str):
    out = tmp_path / "out"
    if taken == "folder":
        out.mkdir()
    mine = out / "mine" if taken == "folder" else out
    mine.write_text("mine")
    before = names(tmp_path)
    with pytest.raises(SafsError, match="already exists"):
        finish(out, context)
    assert names(tmp_path) == before
    assert mine.read_text() == "mine"


def test_an_output_taken_in_the_meantime_is_left_as_it_was(tmp_path: Path, context: Context):
    def work() -> None:
        with work_folder("step", tmp_path / "out", context) as folder:
            (folder / "late").write_text("late")
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "mine").write_text("mine")

    with pytest.raises(SafsError, match="already exists"):
        work()
    assert names(tmp_path / "out") == {"mine"}


def test_a_missing_input_is_refused_before_anything_is_made(tmp_path: Path, context: Context):
    with pytest.raises(SafsError, match="nowhere' does not exist"):
        finish(tmp_path / "out", context, data=tmp_path / "nowhere")
    assert names(tmp_path) == set()


def test_interrupted_work_is_gone_on_with_for_the_same_inputs(tmp_path: Path, context: Context):
    assert interrupt(tmp_path / "out", context, value=1) == set()
    assert not (tmp_path / "out").exists()
    assert interrupt(tmp_path / "out", context, value=1) == {"half"}
    assert finish(tmp_path / "out", context, value=1) == {"half"}
    assert names(tmp_path / "out") == {"half", "whole"}


def test_interrupted_work_is_thrown_away_for_other_inputs(tmp_path: Path, context: Context):
    interrupt(tmp_path / "out", context, value=1)
    assert finish(tmp_path / "out", context, value=2) == set()
    assert names(tmp_path / "out") == {"whole"}


def test_interrupted_work_is_thrown_away_for_another_step(tmp_path: Path, context: Context):
    interrupt(tmp_path / "out", context, value=1)
    assert finish(tmp_path / "out", context, step="other", value=1) == set()


@pytest.mark.parametrize("many", [False, True])
def test_the_content_of_an_input_counts_and_not_its_place(tmp_path: Path, context: Context, many: bool):
    for name, text in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(text)
    a, b, c = ([tmp_path / name] if many else tmp_path / name for name in "abc")
    interrupt(tmp_path / "out", context, data=a)
    assert interrupt(tmp_path / "out", context, data=b) == {"half"}
    assert finish(tmp_path / "out", context, data=c) == set()


def test_work_in_a_folder_of_its_own_is_gone_on_with_for_another_output(tmp_path: Path):
    interrupt(tmp_path / "one", Context(work=tmp_path / "work"), value=1)
    assert finish(tmp_path / "two", Context(work=tmp_path / "work"), value=1) == {"half"}


def test_work_whose_inputs_were_not_noted_is_not_gone_on_with(tmp_path: Path):
    # a process can be killed between making the folder and noting what it is for
    interrupt(tmp_path / "out", Context(), value=1)
    (tmp_path / ".out.partial.key").unlink()
    assert finish(tmp_path / "out", Context(), value=1) == set()


def test_two_processes_at_the_same_work_refuse_one_another(tmp_path: Path, context: Context):
    refused = pytest.raises(SafsError, match="another process is running step")
    with another_process(tmp_path / "out", context, "a"), refused:
        finish(tmp_path / "out", context, value="a")
    assert names(tmp_path) - {"work"} == {"out", "out/theirs"}


def test_a_process_that_waited_for_another_leaves_its_output(tmp_path: Path, context: Context):
    out = tmp_path / "out"
    with another_process(out, context, "a") as process:
        timer = threading.Timer(0.5, process.communicate, ("go on\n",))
        timer.start()
        try:
            with pytest.raises(SafsError):
                finish(out, context, value="a")
        finally:
            timer.join()
    assert names(tmp_path) - {"work"} == {"out", "out/theirs"}


def test_a_process_with_other_inputs_leaves_the_work_of_a_running_one(tmp_path: Path):
    with another_process(tmp_path / "out", Context(), "a"):
        with pytest.raises(SafsError):
            finish(tmp_path / "out", Context(), value="b")
        assert names(tmp_path / ".out.partial") == {"theirs"}
    assert names(tmp_path / "out") == {"theirs"}


def test_the_work_of_a_killed_process_is_gone_on_with(tmp_path: Path, context: Context):
    with another_process(tmp_path / "out", context, "a") as process:
        process.kill()
        process.wait()
        assert finish(tmp_path / "out", context, value="a") == {"theirs"}


def test_two_steps_can_be_at_work_side_by_side(tmp_path: Path, context: Context):
    with another_process(tmp_path / "one", context, "a"):
        finish(tmp_path / "two", context, value="b")
    assert names(tmp_path / "two") == {"whole"}
    assert names(tmp_path / "one") == {"theirs"}


def test_the_cost_of_all_tries_and_of_what_it_stands_on_is_kept(tmp_path: Path):
    finish(tmp_path / "first", Context(), step="prune")
    models = tmp_path / "first"
    interrupt(tmp_path / "out", Context(), models=models)
    half = read_json(tmp_path / ".out.partial" / COST)["step"]
    finish(tmp_path / "out", Context(), models=models)
    cost = cost_of(tmp_path / "out")
    assert set(cost) == {"prune", "step"}
    assert cost["prune"] == cost_of(models)["prune"]
    assert cost["step"]["seconds"] > half["seconds"] > 0
    before = fingerprint(tmp_path / "out")
    (tmp_path / "out" / COST).unlink()
    assert fingerprint(tmp_path / "out") == before, "what it has cost does not tell two results apart"
