"""A schedule as a Kubernetes resource, for GitOps instead of the API."""

import json
from typing import Any

from safs.kubeflow.compiled import Compiled
from safs.kubeflow.schedule import Schedule


def scheduled_workflow(
    schedule: Schedule, parameters: dict[str, Any], pipeline: Compiled, namespace: str
) -> dict[str, Any]:
    """The ScheduledWorkflow of a schedule (`kubeflow.org/v1beta1`).

    The controller takes each parameter's value, and the pipeline itself, as JSON in a string, and wants a status to start from.

    Args:
        schedule: the schedule's file.
        parameters: all of the pipeline's parameters.
        pipeline: the compiled pipeline.
        namespace: where it belongs; empty leaves that to whoever applies it.
    """
    content: dict[str, Any] = {
        "enabled": schedule.state == "running",
        "noCatchup": True,
        "maxConcurrency": 1,
        "trigger": {"cronSchedule": {"cron": schedule.cron}},
        "workflow": {
            "parameters": [{"name": name, "value": json.dumps(value)} for name, value in parameters.items()],
            "spec": json.dumps(pipeline.content, sort_keys=True),
        },
    }
    if schedule.service_account:
        content["serviceAccount"] = schedule.service_account
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "ScheduledWorkflow",
        "metadata": {"name": schedule.name} | ({"namespace": namespace} if namespace else {}),
        "spec": content,
        "status": {},
    }
