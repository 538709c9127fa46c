"""Runs the compiled pipeline on this machine, through `kfp.local`."""

import json
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from safs.errors import SafsError
from safs.files import code_version, fingerprint, read_json
from safs.kubeflow.listener import Listener
from safs.kubeflow.package import pipeline_text
from safs.mlops.address import redact, tracking_uri
from safs.mlops.imports import quick_imports
from safs.mlops.progress import TELL
from safs.mlops.tracked import PARENT, WORK, WORKSPACE


@dataclass
class Outcome:
    """What a local run has left behind.

    Attributes:
        selection: folder of the selection, with its report and, if one qualified, the model.
        registration: name, version, alias and uri of the registered model, or None.
        run: id of the MLflow run.
        tracking: address of the tracking server or database, without credentials.
        log: file with all that the tasks printed.
        seconds: wall time of the whole run.
        worked: part of that time in which at least one step was doing its own work.
        ran: steps that ran, against those that came from the cache.
    """

    selection: Path
    registration: dict[str, str] | None
    run: str
    tracking: str
    log: Path
    seconds: float
    worked: float
    ran: list[str] = field(default_factory=list)


Runner = Literal["subprocess", "docker"]


def run_locally(
    arguments: Mapping[str, Any], workspace: Path, cache: bool, runner: Runner = "subprocess", image: str = ""
) -> Outcome:
    """Run the packaged training pipeline on this machine and track it in MLflow.

    Args:
        arguments: the pipeline's parameters, checked.
        workspace: folder for everything the run leaves.
        cache: take finished steps with the same inputs, parameters and code from earlier runs.
        runner: each task in a process of its own, or in a container.
        image: image of the containers; the package's own if empty.

    Raises:
        SafsError: a step failed on its input, or MLflow does not answer.
    """
    began = time.time()
    workspace = prepare_workspace(workspace)
    uri = tracking_uri(workspace)
    with _environment(workspace, uri) as environment, _parent_run(uri, workspace, arguments) as run:
        environment[PARENT] = run
        os.environ.update(environment)
        log = workspace / "logs" / f"{time.strftime('%Y%m%d-%H%M%S')}-{run[:8]}.log"
        with Listener(log) as listener:
            with _tasks(runner, image, arguments, environment, workspace) as (tasks, version):
                selection = _execute(arguments, workspace, cache, listener, tasks, version, image)
            report = read_json(selection / "selection.json")
            registration = listener.summaries.get("register")
            from safs.mlops.pipeline_run import conclude

            conclude(uri, run, report, registration)
    outcome = Outcome(
        selection=selection,
        registration=registration,
        run=run,
        tracking=redact(uri),
        log=log,
        seconds=time.time() - began,
        worked=listener.worked(),
        ran=listener.ran,
    )
    assert (report["chosen"] is None) == (registration is None), "the gate and the selection disagree"
    return outcome


def prepare_workspace(workspace: Path) -> Path:
    """Make the workspace and see that it can be written to.

    Raises:
        SafsError: it is a file, or its disk is full or read-only.
    """
    workspace = workspace.resolve()
    if "python3" in str(workspace):
        raise SafsError(f"workspace {str(workspace)!r} has 'python3' in its path, which kfp replaces; name another")
    try:
        for name in ("pipeline", "cache", "work", "logs"):
            (workspace / name).mkdir(parents=True, exist_ok=True)
        probe = workspace / ".probe"
        probe.write_bytes(b"\0" * 65536)
        probe.unlink()
    except OSError as error:
        raise SafsError(f"workspace {str(workspace)!r} cannot be written to: {error.strerror}") from None
    return workspace


def version_of(arguments: Mapping[str, Any]) -> str:
    """What the cache must follow beside the parameters: the code, and the data files that are read."""
    from safs.data import files_of, find_source

    root = arguments["data_root"]
    files = files_of(find_source(arguments["dataset"], root), root)
    version = fingerprint(files) if isinstance(files, Path) else files
    return code_version() + (f"-{version[:16]}" if version else "")


@contextmanager
def _tasks(
    runner: Runner, image: str, arguments: Mapping[str, Any], environment: dict[str, str], workspace: Path
) -> Iterator[tuple[Any, str]]:
    """What runs the tasks, and what the cache must follow because of it."""
    from kfp import local

    if runner == "subprocess":
        yield local.SubprocessRunner(use_venv=False), ""
        return
    from safs.kubeflow import containers

    version = containers.image_id(image)
    environment[TELL] = containers.OF_NOBODY
    options = containers.container_options(environment, workspace, containers.inputs_of(arguments), version)
    with containers.writable(workspace), containers.ended():
        yield local.DockerRunner(**options), f" {version}"


def _execute(
    arguments: Mapping[str, Any], workspace: Path, cache: bool, listener: Listener, tasks: Any, version: str, image: str
) -> Path:
    from kfp import components, local

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # kfp doubts that our image has Python
        local.init(
            runner=tasks,
            pipeline_root=str(workspace / "pipeline"),
            enable_caching=cache,
            cache_root=str(workspace / "cache"),
        )
        pipeline = components.load_component_from_text(pipeline_text(image))
        try:
            with redirect_stdout(listener):
                task = pipeline(**arguments, code_version=version_of(arguments) + version)
        except RuntimeError:
            if listener.error:
                raise SafsError(listener.error) from None
            raise SafsError(f"a task of the pipeline failed; what it printed is in {listener.path}") from None
    return Path(task.outputs["selection"].path)


@contextmanager
def _environment(workspace: Path, uri: str) -> Iterator[dict[str, str]]:
    """Environment of the tasks; what was there comes back afterwards."""
    wanted = {
        WORKSPACE: str(workspace),
        WORK: str(workspace / "work"),
        "MLFLOW_TRACKING_URI": uri,
        TELL: str(os.getpid()),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),  # two tasks run at a time
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    before = dict(os.environ)
    try:
        yield wanted
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _parent_run(uri: str, workspace: Path, arguments: Mapping[str, Any]) -> Iterator[str]:
    """The MLflow run of the whole pipeline run."""
    with quick_imports():
        from mlflow.entities import Param

        from safs.mlops.pipeline_run import end_orphans, process_tags
        from safs.mlops.tracking import default_experiment, open_client

        client = open_client(uri)
    end_orphans(client)
    given = os.environ.get("MLFLOW_RUN_ID")  # set by `mlflow run`, whose run is then the parent of ours
    experiment = client.get_run(given).info.experiment_id if given else default_experiment(client, uri, workspace)
    tags = {"safs.pipeline": "training", "safs.code_version": code_version(), **process_tags()}
    tags |= {"mlflow.parentRunId": given} if given else {}
    run = client.create_run(experiment, run_name=f"training {arguments['dataset']}", tags=tags).info.run_id
    shown = {name: redact(value) if name == "storage" else value for name, value in arguments.items()}
    client.log_batch(run, params=[Param(f"pipeline.{name}", json.dumps(value)) for name, value in shown.items()])
    status: Literal["FINISHED", "FAILED", "KILLED"] = "FINISHED"
    try:
        yield run
    except BaseException as error:
        status = "FAILED" if isinstance(error, Exception) else "KILLED"
        raise
    finally:
        client.set_terminated(run, status)
