"""Sends the packaged pipeline to a Kubeflow endpoint."""

import time
from collections.abc import Mapping
from typing import Any

from safs.files import code_version
from safs.kubeflow.endpoint import Endpoint
from safs.kubeflow.package import pipeline_content, pipeline_text


def submit_run(
    arguments: Mapping[str, Any],
    endpoint: Endpoint,
    image: str = "",
    experiment: str = "safs",
    service_account: str = "",
) -> str:
    """Start a run of the training pipeline on a cluster.

    Args:
        arguments: the pipeline's parameters, checked.
        endpoint: the Kubeflow.
        image: component image; the package's own if empty.
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
        pipeline_spec=pipeline_content(pipeline_text(image)),
        runtime_config=api.V2beta1RuntimeConfig(
            parameters={**arguments, "code_version": submitted_version(arguments, image)}
        ),
        service_account=service_account or None,
    )
    return str(endpoint.call(endpoint.runs.run_service_create_run, run=run).run_id)


def submitted_version(arguments: Mapping[str, Any], image: str) -> str:
    """What the cluster's cache is to follow beside the parameters: the code, the image and the data.

    Data that only the cluster can see may have changed since the last run, so a run on it takes nothing from the cache.
    """
    from safs.data.sources import SOURCES
    from safs.kubeflow.local import version_of

    source = SOURCES.get(arguments["dataset"])
    shared = arguments["dataset"].startswith("s3://") or (source and not source.needs_root)
    version = version_of(arguments) if shared else f"{code_version()} {time.strftime('%Y%m%d%H%M%S')}"
    return f"{version} {image}".strip()
