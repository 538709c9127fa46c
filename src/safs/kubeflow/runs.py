"""What runs on a Kubeflow, and how it went."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from safs.kubeflow.endpoint import Endpoint

COLOURS = {"SUCCEEDED": "green", "FAILED": "red", "RUNNING": "cyan", "CANCELED": "yellow"}


def latest_runs(endpoint: Endpoint, experiment: str, limit: int) -> list[Any]:
    """The latest runs, newest first.

    Args:
        endpoint: the Kubeflow.
        experiment: only those of this experiment; empty for all.
        limit: how many at most.
    """
    endpoint.check()
    options = {"sort_by": "created_at desc"}
    if experiment:
        options["experiment_id"] = endpoint.find_experiment(experiment)
        if not options["experiment_id"]:
            return []
    return list(islice(endpoint.pages(endpoint.runs.run_service_list_runs, "runs", **options), limit))


def one_run(endpoint: Endpoint, run: str) -> Any:
    """A run with its tasks."""
    endpoint.check()
    return endpoint.call(endpoint.runs.run_service_get_run, run)


def link(endpoint: Endpoint, run: str) -> str:
    """Where a browser shows a run."""
    return f"{endpoint.host}/#/runs/details/{run}"


def runs_table(endpoint: Endpoint, runs: list[Any]) -> Table:
    """Runs with their states and links."""
    table = Table(box=SIMPLE_HEAD)
    for name in ("run", "state", "started", "took"):
        table.add_column(name, no_wrap=True)
    table.add_column("link", overflow="fold")
    for run in runs:
        name = f"{run.display_name}{' (scheduled)' if run.recurring_run_id else ''}"
        table.add_row(name, _state(run), _when(run.created_at), _took(run), link(endpoint, run.run_id))
    return table


def run_lines(endpoint: Endpoint, run: Any) -> Iterator[str]:
    """One run: its state, its tasks, its error and its links, a line each."""
    yield f"{run.display_name}: {_state(run)}, started {_when(run.created_at)}, took {_took(run)}"
    for task in (run.run_details.task_details or []) if run.run_details else []:
        yield f"  {task.display_name or task.task_id}: {_state(task)}{_error(task.error)}"
    if run.error and run.error.message:
        yield f"error{_error(run.error)}"
    yield link(endpoint, run.run_id)
    for plugin, output in sorted((run.plugins_output or {}).items()):
        for name, entry in sorted((output.entries or {}).items()):
            if entry.render_type == "URL":
                yield f"{plugin} {name}: {entry.value}"


def _state(entry: Any) -> str:
    state = str(entry.state or "PENDING")
    colour = COLOURS.get(state, "default")
    return f"[{colour}]{state.lower()}[/]"


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"


def _took(run: Any) -> str:
    start, end = run.created_at, run.finished_at
    if start and (end is None or end.year < 2000):  # the server's zero time
        end = datetime.now(UTC)
    return f"{(end - start).total_seconds() / 60:.0f} min" if start and end else "-"


def _error(error: Any) -> str:
    return f": {' '.join(str(error.message).split())}" if error and error.message else ""
