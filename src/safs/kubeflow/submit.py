"""Sends the packaged pipeline to a Kubeflow endpoint."""

import time
from collections.abc import Mapping
from typing import Any

from safs.kubeflow.compiled import Compiled
from safs.kubeflow.endpoint import Endpoint


def submit_run(
    arguments: Mapping[str, Any],
    pipeline: Compiled,
    endpoint: Endpoint,
    experiment: str = "safs",
    service_account: str = "",
) -> str:
    """Start a run of the training pipeline on a cluster.

    Args:
        arguments: the pipeline's parameters, checked.
        pipeline: the compiled pipeline.
        endpoint: the Kubeflow.
        experiment: experiment to put the run in.
        service_account: Kubernetes service account of its pods; Kubeflow's default if empty.

    Returns:
        The run's id.

    Raises:
        SafsError: the endpoint does not answer or refuses the run.
    """
    import kfp_server_api as api

    endpoint.check()
    run = api.V2beta1Run(
        display_name=f"training {arguments['dataset']} {time.strftime('%Y-%m-%d %H:%M')}",
        experiment_id=endpoint.experiment(experiment),
        pipeline_spec=pipeline.content,
        runtime_config=api.V2beta1RuntimeConfig(
            parameters={**arguments, "code_version": submitted_version(arguments, pipeline)}
        ),
        service_account=service_account or None,
    )
    return str(endpoint.call(endpoint.runs.run_service_create_run, run=run).run_id)


def submitted_version(arguments: Mapping[str, Any], pipeline: Compiled) -> str:
    """What the cluster's cache is to follow beside the parameters: the code, the images and the data.

    Data that only the cluster can see may have changed since the last run, so a run on it takes nothing from the cache.
    """
    from safs.data.sources import SOURCES
    from safs.kubeflow.local import version_of

    source = SOURCES.get(arguments["dataset"])
    shared = arguments["dataset"].startswith("s3://") or (source and not source.needs_root)
    data = version_of(arguments) if shared else time.strftime("%Y%m%d%H%M%S")
    return f"{pipeline.version} {data}"
