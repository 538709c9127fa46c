"""Brings the recurring run of a Kubeflow to what its file says, from whatever state an earlier attempt has left.

The API has no update: the changed one is created first, and then the old one is deleted. A process that dies in between
leaves two, of which the next one deletes the old. An answer that is lost does no harm either, for the list tells what is there.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from safs.errors import SafsError
from safs.kubeflow.compiled import Compiled
from safs.kubeflow.endpoint import Endpoint, RefusedError, named
from safs.kubeflow.schedule import MARK, Schedule, recurring_run


class Change(NamedTuple):
    """One call to make.

    Attributes:
        text: what it does, for a person.
        make: does it.
        creates: what is there is looked up again afterwards, for somebody else may have created one as well.
    """

    text: str
    make: Callable[[], Any]
    creates: bool = False


def reconcile(
    schedule: Schedule, parameters: dict[str, Any], pipeline: Compiled, endpoint: Endpoint, dry_run: bool = False
) -> list[str]:
    """Bring the recurring run of a schedule to what its file says.

    Args:
        schedule: the file.
        parameters: all of the pipeline's parameters.
        pipeline: the compiled pipeline.
        endpoint: the Kubeflow.
        dry_run: say what would be done, and do nothing.

    Returns:
        What was done, a line a call; nothing if all was as it should be.

    Raises:
        SafsError: the endpoint does not answer or refuses, or a recurring run of that name is somebody else's.
    """
    endpoint.check()
    look_up = endpoint.find_experiment if dry_run or schedule.state == "absent" else endpoint.experiment
    wanted = recurring_run(schedule, parameters, pipeline, look_up(schedule.experiment))
    done: list[str] = []
    created = False
    while True:
        changes = plan(wanted, schedule.state, _present(schedule.name, endpoint), endpoint)
        if dry_run:
            return [change.text for change in changes]
        for change in changes:
            if change.creates and created:
                raise SafsError(f"{endpoint.host} has taken {schedule.name!r} but does not list it; look at its log")
            change.make()
            done.append(change.text)
            created = created or change.creates
            if change.creates:
                break
        else:
            return done


def plan(wanted: Any, state: str, present: list[Any], endpoint: Endpoint) -> list[Change]:
    """The calls that lead from what is there to what is wanted; a creation comes before any deletion.

    Args:
        wanted: the recurring run as it is to be.
        state: running, paused or absent.
        present: those of its name, the oldest first.
        endpoint: the Kubeflow.
    """
    api, changes = endpoint.recurring, []
    kept = next((one for one in present if state != "absent" and one.description == wanted.description), None)
    if kept:
        disabled = "DISABLE" in f"{kept.status or kept.mode}"
        if state == "paused" and not disabled:
            pause = api.recurring_run_service_disable_recurring_run
            changes.append(Change(f"pause {_label(kept)}", lambda: endpoint.call(pause, kept.recurring_run_id)))
        elif state == "running" and disabled:
            resume = api.recurring_run_service_enable_recurring_run
            changes.append(Change(f"resume {_label(kept)}", lambda: endpoint.call(resume, kept.recurring_run_id)))
    elif state != "absent":
        create = api.recurring_run_service_create_recurring_run
        text = f"create {wanted.display_name}: {wanted.trigger.cron_schedule.cron} UTC, {state}"
        changes.append(Change(text, lambda: endpoint.call(create, recurring_run=wanted), creates=True))
    rest = [old for old in present if old is not kept]
    return changes + [Change(f"delete {_label(old)}", partial(_delete, endpoint, old)) for old in rest]


def _present(name: str, endpoint: Endpoint) -> list[Any]:
    """The recurring runs of a name, the oldest first, so that two who create at once keep the same one."""
    listed = endpoint.recurring.recurring_run_service_list_recurring_runs
    found = list(endpoint.pages(listed, "recurring_runs", filter=named(name)))
    for one in found:
        if not (one.description or "").startswith(MARK):
            raise SafsError(
                f"{endpoint.host} has a recurring run {name!r} ({one.recurring_run_id}) that safs has not made; "
                "delete it there, or give the schedule another name"
            )
    return sorted(found, key=lambda one: (str(one.created_at), one.recurring_run_id))


def _delete(endpoint: Endpoint, old: Any) -> None:
    try:
        endpoint.call(endpoint.recurring.recurring_run_service_delete_recurring_run, old.recurring_run_id)
    except RefusedError as error:
        if error.status != 404:  # somebody else was faster
            raise


def _label(one: Any) -> str:
    return f"{one.display_name} ({one.recurring_run_id})"
