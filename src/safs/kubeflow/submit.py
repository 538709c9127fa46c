"""Sends the packaged pipeline to a Kubeflow endpoint."""

import logging
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safs.errors import SafsError
from safs.files import code_version
from safs.kubeflow.package import pipeline_text


def submit_run(arguments: Mapping[str, Any], host: str, image: str, experiment: str, namespace: str) -> str:
    """Start a run of the training pipeline on a cluster.

    The token, if the endpoint wants one, comes from `KF_PIPELINES_TOKEN` or from the projected service account token
    that `KF_PIPELINES_SA_TOKEN_PATH` names; it is neither logged nor written.

    Args:
        arguments: the pipeline's parameters, checked.
        host: the endpoint's address.
        image: component image; the package's own if empty.
        experiment: experiment to put the run in.
        namespace: Kubernetes namespace of the user; empty for single-user installations.

    Returns:
        The run's id.

    Raises:
        SafsError: the endpoint does not answer or refuses the run.
    """
    logging.getLogger().setLevel(logging.ERROR)
    warnings.simplefilter("ignore", FutureWarning)  # kfp speaks of versions before 2.0
    import kfp
    import kfp_server_api
    from urllib3.exceptions import HTTPError

    try:
        client = kfp.Client(
            host=host, namespace=namespace or "kubeflow", existing_token=os.environ.get("KF_PIPELINES_TOKEN")
        )
        with TemporaryDirectory() as folder:
            package = Path(folder) / "training.yaml"
            package.write_text(pipeline_text(image), encoding="utf-8")
            run = client.create_run_from_pipeline_package(
                str(package),
                arguments={**arguments, "code_version": f"{code_version()} {image}".strip()},
                experiment_name=experiment,
                namespace=namespace or None,
                enable_caching=True,
            )
    except kfp_server_api.ApiException as error:
        raise SafsError(
            f"Kubeflow at {host} answered {error.status} {error.reason}; see its address and token"
        ) from None
    except (HTTPError, OSError) as error:
        reason = str(getattr(error, "reason", error)).rpartition(": ")[2]
        raise SafsError(f"no Kubeflow Pipelines answers at {host} ({reason}); check --host") from None
    return str(run.run_id)
