"""`safs doctor`."""

import os
import sys
from pathlib import Path

from safs.mlops.tracked import DEFAULT_WORKSPACE

MARKS = {"fine": "[green]✓[/]", "absent": "[dim]-[/]", "broken": "[red]✗[/]"}


def doctor(
    *,
    host: str = "",
    namespace: str = "",
    image: str = "",
    bucket: str = "",
    storage: str = "",
    model_name: str = "safs",
    timeout: float = 20.0,
    workspace: Path = DEFAULT_WORKSPACE,
) -> None:
    """Look at every part outside: versions, workspace, tracking, registry, database, object store, Kubeflow and image.

    What is not set up is said and is no fault. Exit code 0 if nothing is broken, 1 otherwise.

    Args:
        host: Address of the Kubeflow Pipelines endpoint; KF_PIPELINES_ENDPOINT if none is named.
        namespace: Kubernetes namespace; none for a single-user installation.
        image: Component image to look at with Docker.
        bucket: Bucket of data or artifacts, by name or as s3://BUCKET.
        storage: Address of the database that searches share; SAFS_STORAGE if none is named.
        model_name: Name in the model registry.
        timeout: Seconds that all checks may take together.
        workspace: Folder of the SQLite tracking store, where MLFLOW_TRACKING_URI names no server.
    """
    from rich.console import Console

    from safs.doctor.examination import examine
    from safs.doctor.parts import checks_of

    host, storage = host or os.environ.get("KF_PIPELINES_ENDPOINT", ""), storage or os.environ.get("SAFS_STORAGE", "")
    found = examine(checks_of(workspace, model_name, host, namespace, image, bucket, storage), timeout)
    console = Console()
    for finding in found:
        console.print(f"{MARKS[finding.state]} {finding.part:<13}", end="", highlight=False)
        console.print(finding.text, highlight=False, markup=False, soft_wrap=True)
    sys.stdout.flush()
    if any(finding.state == "broken" for finding in found):
        sys.exit(1)
