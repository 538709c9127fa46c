"""The command line: help from the steps' signatures, and one clear line for every mistake."""

import subprocess
import sys

import pytest
from small_run import safs

from safs.kubeflow.parameters import pipeline_docs
from safs.steps import STEPS, TOOLS
from safs.steps.arguments import parameter_docs, step_parameters

PACKAGES = ("torch", "mlflow", "kfp", "optuna", "sklearn", "matplotlib")


def one_line(done, *words):
    """The command failed with one line on standard error that has all the words."""
    assert done.code in (1, 2), done.out + done.err
    assert "Traceback" not in done.err
    lines = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.err
    for word in words:
        assert word in lines[0], lines[0]


COMMANDS = STEPS | TOOLS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_step_shows_every_parameter_and_what_it_means(name):
    done = safs(name, "--help", COLUMNS="400")
    assert done.code == 0
    shown = " ".join(done.out.replace("│", " ").split())
    for parameter, text in parameter_docs(COMMANDS[name]).items():
        assert f"--{parameter.replace('_', '-')}" in shown
        assert " ".join(text.split()) in shown
    assert set(parameter_docs(COMMANDS[name])) == set(step_parameters(COMMANDS[name]))


def test_the_help_of_run_and_submit_shows_the_pipelines_parameters():
    for command in ("run", "submit"):
        shown = " ".join(safs(command, "--help", COLUMNS="400").out.replace("│", " ").split())
        for parameter, text in pipeline_docs().items():
            assert f"--{parameter.replace('_', '-')}" in shown
            assert text in shown


def test_help_imports_no_heavy_package():
    code = f"import sys, safs.cli; sys.exit(', '.join(p for p in {PACKAGES} if p in sys.modules) or None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


MISTAKES = [
    (["run", "--sparsitty", "0.9"], ["--sparsitty", "--sparsity"]),
    (["run", "--dataset", "digit"], ["'digit'", "did you mean 'digits'"]),
    (["run", "--sparsity", "1.5"], ["1.5", "less than 1"]),
    (["run", "--sparsity", "-0.1"], ["-0.1", "greater than or equal to 0"]),
    (["run", "--sparsity", "nan"], ["nan"]),
    (["run", "--sparsity", "0.9", "0.9"], ["[0.9, 0.9]", "only once"]),
    (["run", "--seeds", "0", "1.5"], ["1.5", "int"]),
    (["run", "--candidates", "2.5"], ["2.5", "whole number"]),
    (["run", "--candidates", "0"], ["candidates is 0"]),
    (["run", "--learning-rate", "0"], ["learning_rate is 0"]),
    (["run", "--scope", "everywhere"], ["everywhere", "layerwise", "global"]),
    (["run", "--model", "lenet"], ["'lenet'", "did you mean 'lenet5'"]),
    (["run", "--operators", "relu", "tahn"], ["'tahn'", "did you mean 'tanh'"]),
    (["run", "--dataset", "mnist"], ["--data-root"]),
    (["run", "--dataset", "mnist", "--data-root", "{tmp}/missing"], ["missing", "not a folder"]),
    (["run", "--config", "{tmp}/missing.yaml"], ["missing.yaml", "does not exist"]),
    (["run", "--config", "{tmp}/list.yaml"], ["list.yaml"]),
    (["run", "--config", "{tmp}/torn.yaml"], ["torn.yaml", "not YAML"]),
    (["run", "--config", "{tmp}/typo.yaml"], ["'sedes'", "did you mean 'seeds'"]),
    (["run", "--config", "{tmp}/range.yaml"], ["sparsities is 2"]),
    (["run", "--workspace", "{tmp}/torn.yaml"], ["torn.yaml", "Not a directory"]),
    (["prepare"], ["--out"]),
    (["prepare", "--out", "{tmp}/taken"], ["taken", "already exists"]),
    (
        ["prune", "--data", "{tmp}/taken", "--models", "{tmp}/missing", "--out", "{tmp}/o"],
        ["missing", "does not exist"],
    ),
    (["prune", "--data", "{tmp}/taken", "--models", "{tmp}/taken", "--out", "{tmp}/o"], ["holds no models"]),
    (["submit", "--host", "http://127.0.0.1:9"], ["http://127.0.0.1:9"]),
    (["frobnicate"], ["frobnicate"]),
]


@pytest.fixture
def broken(tmp_path):
    """A folder with config files and an output that are no good."""
    (tmp_path / "list.yaml").write_text("- 1\n")
    (tmp_path / "torn.yaml").write_text("seeds: [0, 1\n")
    (tmp_path / "typo.yaml").write_text("sedes: [0, 1]\n")
    (tmp_path / "range.yaml").write_text("sparsities: [0.9, 2]\n")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    return tmp_path


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=lambda value: " ".join(value)[:60])
def test_a_mistake_is_one_line_and_leaves_no_output(broken, arguments, words):
    arguments = [argument.format(tmp=broken) for argument in arguments]
    workspace = (
        [] if arguments[0] in ("submit", "frobnicate") or "--workspace" in arguments else ["--workspace", broken / "w"]
    )
    one_line(safs(*arguments, *workspace, cwd=broken), *words)
    assert (broken / "taken" / "file").read_text() == "mine"
    assert not (broken / "o").exists()
    assert not list((broken / "w").glob("pipeline/*"))


@pytest.mark.parametrize("command", [["run"], ["prepare", "--out", "data"]])
def test_a_tracking_server_that_does_not_answer_is_named_without_its_password(tmp_path, command):
    uri = "http://somebody:secret@127.0.0.1:9"
    done = safs(*command, cwd=tmp_path, MLFLOW_TRACKING_URI=uri)
    one_line(done, "no MLflow answers at http://***@127.0.0.1:9")
    assert "secret" not in done.err + done.out
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("size", ["0", "300k", "2000k", "3500k"])
def test_a_disk_that_is_read_only_or_fills_up_is_said_in_one_line_and_leaves_nothing_to_trust(tmp_path, size):
    disk = tmp_path / "disk"
    disk.mkdir()
    options = "ro" if size == "0" else f"size={size}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        command = ["run", "--seeds", 0, "--sparsity", 0.9, "--dense-epochs", 1, "--candidates", 2, "--trials", 1]
        done = safs(*command, "--epochs", 1, "--workspace", disk / "w")
        one_line(done)
        for folder in (disk / "w").glob("pipeline/**/out"):
            assert (folder / "dataset.json").exists() or list(folder.glob("**/*.json")), folder
        assert not list((disk / "w").glob("pipeline/*/select/out"))
    finally:
        subprocess.run(["umount", disk], check=True)


QUICK_TUNING = ["--trials", "1", "--trial-epochs", "1", "--epochs", "1"]


@pytest.mark.integration
def test_the_steps_work_one_by_one(tmp_path):
    quick = ["--seeds", 0, "--dense-epochs", 2]
    for command in (
        ["prepare", "--out", "data"],
        ["pretrain", "--data", "data", "--out", "dense", *quick],
        ["prune", "--data", "data", "--models", "dense", "--out", "pruned", "--sparsity", 0.9],
        ["search", "--data", "data", "--models", "pruned", "--out", "found", "--candidates", 2, "--search-epochs", 1],
        [
            *["finetune", "--data", "data", "--models", "pruned", "--activations", "found", "--out", "tuned"],
            *QUICK_TUNING,
        ],
        ["evaluate", "--data", "data", "--dense", "dense", "--models", "tuned", "--out", "evaluated"],
        ["select", "--evaluations", "evaluated", "--models", "tuned", "--out", "selected"],
        ["register", "--data", "data", "--selection", "selected", "--out", "registered", "--model-name", "one"],
    ):
        done = safs(*command, cwd=tmp_path)
        assert done.code == 0, done.err
    assert (tmp_path / "registered" / "registration.json").exists()
    assert (tmp_path / "selected" / "report.html").exists()


def test_compile_writes_the_packaged_pipeline_and_overwrites_nothing(tmp_path):
    from safs.kubeflow.package import PIPELINE

    assert safs("compile", "--out", "p.yaml", cwd=tmp_path).code == 0
    assert (tmp_path / "p.yaml").read_text() == PIPELINE.read_text()
    one_line(safs("compile", "--out", "p.yaml", cwd=tmp_path), "already exists")


def test_flags_win_over_the_config_file_and_both_over_defaults(tmp_path):
    (tmp_path / "c.yaml").write_text("dataset: mnist\nsparsities: [3]\n")
    one_line(safs("run", "--config", "c.yaml", cwd=tmp_path), "sparsities is 3")
    one_line(safs("run", "--config", "c.yaml", "--sparsity", 0.9, cwd=tmp_path), "mnist", "--data-root")
