"""A schedule: the file that a person writes, and the recurring run that Kubeflow is to have for it."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from safs.errors import SafsError
from safs.kubeflow.compiled import Compiled, compiled
from safs.kubeflow.cron import six_fields
from safs.kubeflow.files import Checked, read_checked
from safs.kubeflow.parameters import pipeline_docs, pipeline_parameters
from safs.steps.arguments import check_arguments

MARK = "managed by safs schedule; fingerprint "


class Schedule(Checked):
    """A schedule of the training pipeline.

    Attributes:
        name: name of the recurring run; a file and its recurring run find each other by it.
        cron: when to start, in UTC: minute hour day month weekday, with the second before them if need be.
        state: what the recurring run is to be; an absent one is deleted.
        experiment: Kubeflow experiment that the runs go to.
        image: component image, with its tag or, better, its digest; the package's own if empty.
        service_account: Kubernetes service account of the runs' pods; Kubeflow's default if empty.
        deployment: a deployment file, relative to this one; none if empty.
        parameters: the pipeline's parameters that differ from their defaults.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    cron: Annotated[str, AfterValidator(six_fields)]
    state: Literal["running", "paused", "absent"] = "running"
    experiment: Annotated[str, Field(min_length=1)] = "safs"
    image: str = ""
    service_account: str = ""
    deployment: str = ""
    parameters: Annotated[dict[str, Any], Field(default_factory=dict)]


def read_schedule(path: Path) -> tuple[Schedule, dict[str, Any], Compiled]:
    """Read and check a schedule's file.

    Returns:
        The schedule, all of the pipeline's parameters, and the compiled pipeline.

    Raises:
        SafsError: a key or a parameter is unknown, or a value breaks its rule.
    """
    schedule = read_checked(path, "schedule", "name: nightly", Schedule)
    try:
        parameters = check_arguments(pipeline_parameters(), schedule.parameters, pipeline_docs())
    except SafsError as error:
        raise SafsError(f"schedule {str(path)!r}: {error}") from None
    pipeline = compiled(schedule.image, path.parent / schedule.deployment if schedule.deployment else None)
    parameters["code_version"] = scheduled_version(parameters, pipeline)
    return schedule, parameters, pipeline


def scheduled_version(parameters: dict[str, Any], pipeline: Compiled) -> str:
    """What the cache follows: the code, the images, and the time of the run where there are files that may change.

    Kubeflow replaces `[[ScheduledTime]]` when it starts the run, so each one reads its data anew.
    """
    from safs.data.sources import SOURCES

    source = SOURCES.get(parameters["dataset"])
    return pipeline.version if source and not source.needs_root else f"{pipeline.version} [[ScheduledTime]]"


def recurring_run(schedule: Schedule, parameters: dict[str, Any], pipeline: Compiled, experiment: str) -> Any:
    """The recurring run as the API takes it: no catching up, one run at a time.

    Its description carries a fingerprint of all but its state, by which it is recognised later.
    """
    import kfp_server_api as api

    body = api.V2beta1RecurringRun(
        display_name=schedule.name,
        experiment_id=experiment,
        pipeline_spec=pipeline.content,
        runtime_config=api.V2beta1RuntimeConfig(parameters=parameters),
        trigger=api.V2beta1Trigger(cron_schedule=api.V2beta1CronSchedule(cron=schedule.cron)),
        no_catchup=True,
        max_concurrency="1",
        service_account=schedule.service_account or None,
    )
    plain = api.ApiClient().sanitize_for_serialization(body)
    body.description = MARK + hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:24]
    body.mode = "ENABLE" if schedule.state == "running" else "DISABLE"
    return body
