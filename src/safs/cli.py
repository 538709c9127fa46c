"""The command line: every step, and the whole pipeline, with flags and help from the functions' own signatures."""

import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from cyclopts import App, CycloptsError, Group, Parameter, Token
from rich.console import Console

from safs import __version__
from safs.commands.cluster import compile_pipeline, runs, schedule
from safs.commands.doctor import doctor
from safs.commands.monitoring import monitor
from safs.commands.promotion import audit, promote, rollback
from safs.commands.relay import relay
from safs.commands.retraining import retrain
from safs.files import read_yaml
from safs.kubeflow.parameters import SUMMARY, Sparsities, document, pipeline_docs, pipeline_parameters
from safs.mlops.failure import one_line
from safs.steps import STEPS, TOOLS
from safs.steps.arguments import Step, check_arguments, parameter_docs, step_parameters
from safs.steps.names import check_names

HELP = """Prune a network hard, find the activations a sparse network needs, and put it into production.

Start with `safs run`: it takes the whole way from data to a registered model on this machine.
"""
EPILOGUE = """MLFLOW_TRACKING_URI names the tracking server; without it runs go to an SQLite file in the workspace.
Lists are written `--seeds 0 1 2` or `--seeds "[0, 1, 2]"`."""

PIPELINE_COMMANDS, STEP_COMMANDS = Group.create_ordered("The pipeline"), Group.create_ordered("Its steps, one by one")
TOOL_COMMANDS, CLUSTER_COMMANDS = Group.create_ordered("Beside the pipeline"), Group.create_ordered("On a cluster")
PRODUCTION_COMMANDS = Group.create_ordered("In production")
LISTS = Parameter(consume_multiple=True, json_list=True, negative="")
app = App(
    name="safs",
    help=HELP,
    help_epilogue=EPILOGUE,
    version=__version__,
    default_parameter=LISTS,
    error_console=Console(stderr=True),
    exit_on_error=False,
    print_error=False,
)


def _flags(
    function: Callable[..., Any],
    name: str,
    summary: str,
    parameters: Mapping[str, inspect.Parameter],
    docs: Mapping[str, str],
) -> Callable[..., Any]:
    """Give a function of keyword arguments the signature and help of `parameters`."""
    keyword = [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=_without_rules(p.annotation))
        for p in parameters.values()
    ]
    function.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in keyword}
    function.__doc__ = document(summary, docs)
    function.__name__ = name
    return function


def _without_rules(annotation: Any) -> Any:
    """A type without its rules: `check_arguments` enforces them for flags and config file alike."""
    if get_origin(annotation) is Annotated:
        inner, *extras = get_args(annotation)
        kept = [extra for extra in extras if isinstance(extra, Parameter)]
        return Annotated[_without_rules(inner), *kept] if kept else _without_rules(inner)
    if get_origin(annotation) is list:
        return list[_without_rules(get_args(annotation)[0])]  # type: ignore[misc]
    return Annotated[int, Parameter(converter=_whole)] if annotation is int else annotation


def _whole(_: Any, tokens: Sequence[Token]) -> int:
    """An integer, and nothing that would have to be cut to one."""
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"{tokens[0].value!r} is not a whole number") from None


def _option(name: str, kind: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


WORKSPACE_OPTION = {"workspace": _option("workspace", Path, Path("safs-runs"))}
CONFIG_OPTION = {"config": _option("config", Path | None, None)}
WORKSPACE_DOCS = {"workspace": "Folder for the SQLite tracking store and, with run, for everything a run leaves."}
CONFIG_DOCS = {"config": "YAML file with parameters by name, such as `seeds: [0, 1]`; flags win over it."}


def _merged(
    given: dict[str, Any], parameters: Mapping[str, inspect.Parameter], docs: Mapping[str, str]
) -> dict[str, Any]:
    """The checked parameters: flags over config file over defaults."""
    config = given.pop("config", None)
    return check_arguments(
        parameters, {**(read_yaml(config, "such as `seeds: [0, 1]`") if config else {}), **given}, docs
    )


def _add_step(step: Step, group: Group) -> None:
    name, parameters, docs = step.__name__, step_parameters(step), parameter_docs(step)

    def command(**given: Any) -> None:
        from safs.kubeflow.display import show_summary
        from safs.mlops.tracked import WORKSPACE, run_step

        os.environ[WORKSPACE] = str(given.pop("workspace", os.environ.get(WORKSPACE) or "safs-runs"))
        arguments = _merged(given, parameters, docs)
        show_summary(name, arguments["out"], run_step(name, **arguments))

    summary = inspect.getdoc(step) or ""
    options = {**parameters, **CONFIG_OPTION, **WORKSPACE_OPTION}
    helped = _flags(
        command, name, summary.partition("\n\nArgs:")[0], options, {**docs, **CONFIG_DOCS, **WORKSPACE_DOCS}
    )
    app.command(helped, name=name, group=group)


def _run(**given: Any) -> None:
    from safs.kubeflow.display import show_outcome
    from safs.kubeflow.local import run_locally

    workspace, cache = given.pop("workspace", Path("safs-runs")), given.pop("cache", True)
    runner, image = given.pop("runner", "subprocess"), given.pop("image", "")
    arguments = _merged(given, pipeline_parameters(), pipeline_docs())
    check_names(arguments)
    show_outcome(run_locally(arguments, workspace, cache, runner, image))


def _submit(**given: Any) -> None:
    from safs.kubeflow.compiled import compiled
    from safs.kubeflow.endpoint import Endpoint
    from safs.kubeflow.runs import link
    from safs.kubeflow.submit import submit_run

    endpoint = Endpoint(given.pop("host"), given.pop("namespace", ""))
    pipeline = compiled(given.pop("image", ""), given.pop("deployment", None))
    options = {name: given.pop(name) for name in ("experiment", "service_account") if name in given}
    run = submit_run(_merged(given, pipeline_parameters(), pipeline_docs()), pipeline, endpoint, **options)
    print(f"started run {run}\n{link(endpoint, run)}")


def _build() -> None:
    parameters, docs = pipeline_parameters(), pipeline_docs()
    parameters["sparsities"] = parameters["sparsities"].replace(
        annotation=Annotated[Sparsities, Parameter(name=("--sparsities", "--sparsity"))]
    )
    switch = {
        "cache": _option("cache", Annotated[bool, Parameter(negative="--no-cache")], True),
        "runner": _option("runner", Literal["subprocess", "docker"], "subprocess"),
        "image": _option("image", str, ""),
    }
    switch_docs = {
        "cache": "Take finished steps from earlier runs of the same code.",
        "runner": "Run each task as a process, or in a container of the component image.",
        "image": "Image of the containers, with tag or digest; the package's own if none is named.",
    }
    run = _flags(
        _run,
        "run",
        f"{SUMMARY}\n\nRuns the compiled pipeline on this machine. A run that was interrupted goes on where it stopped.",
        {**parameters, **CONFIG_OPTION, **WORKSPACE_OPTION, **switch},
        {**docs, **CONFIG_DOCS, **WORKSPACE_DOCS, **switch_docs},
    )
    app.command(run, name="run", group=PIPELINE_COMMANDS)
    app.command(compile_pipeline, name="compile", group=PIPELINE_COMMANDS)
    target = {
        "host": _option("host", str, inspect.Parameter.empty),
        **{
            name: _option(name, str, default)
            for name, default in {"image": "", "experiment": "safs", "namespace": "", "service_account": ""}.items()
        },
        "deployment": _option("deployment", Path | None, None),
    }
    target_docs = {
        "host": "Address of the Kubeflow Pipelines endpoint; a token is taken from KF_PIPELINES_TOKEN.",
        "image": "Component image, with tag or digest.",
        "experiment": "Kubeflow experiment to put the run in.",
        "namespace": "Kubernetes namespace; none for a single-user installation.",
        "deployment": "YAML file with resources, GPUs, nodes, volumes, secrets, timeouts and retries of the steps.",
        "service_account": "Kubernetes service account of the pods; Kubeflow's default if none is named.",
    }
    submit = _flags(
        _submit,
        "submit",
        "Start a run of the training pipeline on a Kubeflow endpoint.",
        {**target, **parameters, **CONFIG_OPTION},
        {**target_docs, **docs, **CONFIG_DOCS},
    )
    app.command(submit, name="submit", group=PIPELINE_COMMANDS)
    for on_a_cluster in (schedule, runs, doctor):
        app.command(on_a_cluster, group=CLUSTER_COMMANDS)  # type: ignore[arg-type]
    for step in STEPS.values():
        _add_step(step, STEP_COMMANDS)
    for tool in TOOLS.values():
        _add_step(tool, TOOL_COMMANDS)
    for command in (promote, rollback, audit, monitor, retrain, relay):
        app.command(command, group=PRODUCTION_COMMANDS)


_build()


def main(arguments: Sequence[str] | None = None) -> None:
    """The `safs` command: exit code 0, 1 for an error in one line, 2 for a mistake in the flags."""
    try:
        app(arguments)
    except CycloptsError as error:
        print(f"error: {' '.join(str(error).split())}; see safs --help", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped; the same command goes on where this one was", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        line = one_line(error)
        if line is None:
            raise
        print(f"error: {line}", file=sys.stderr)
        sys.exit(1)
