"""The parts outside the package, and how each is looked at."""

import os
import shutil
from importlib import metadata
from pathlib import Path
from threading import Lock
from typing import Any

from safs.doctor.examination import Absent, Check
from safs.errors import SafsError
from safs.mlops.address import redact, tracking_uri

ONE_AT_A_TIME = Lock()  # opening a client sets variables of the environment for a while
ALIASES = ("champion", "challenger", "previous")
TESTED = {"kfp": "2.17", "mlflow": "3.17", "optuna": "5.", "numba": "0.", "torch": "2."}


def checks_of(
    workspace: Path, model_name: str, host: str, namespace: str, image: str, bucket: str, storage: str
) -> dict[str, Check]:
    """The checks, by the part that they look at.

    Args:
        workspace: folder of the SQLite tracking store and of local runs.
        model_name: name in the model registry.
        host: address of the Kubeflow Pipelines endpoint; empty if there is none.
        namespace: Kubernetes namespace of the user.
        image: component image; empty if there is none.
        bucket: bucket of data or artifacts; empty if there is none.
        storage: address of the database that searches share; empty if there is none.
    """
    return {
        "versions": versions,
        "workspace": lambda: writable(workspace),
        "tracking": lambda: tracking(workspace),
        "registry": lambda: registry(workspace, model_name),
        "database": lambda: database(storage),
        "object store": lambda: object_store(bucket),
        "Kubeflow": lambda: kubeflow(host, namespace),
        "image": lambda: component_image(image),
    }


def versions() -> str:
    """The packages whose behaviour the code relies on, against those that it was tested with."""
    wrong, seen = [], []
    for name, start in TESTED.items():
        try:
            have = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        seen.append(f"{name} {have}")
        if not have.startswith(start):
            wrong.append(f"{name} is {have}, tested with {start}*")
    if wrong:
        raise SafsError(f"{'; '.join(wrong)}; pip install 'safs[train]' brings what was tested")
    return ", ".join(seen)


def writable(workspace: Path) -> str:
    """The workspace can be written to, and has room."""
    from safs.kubeflow.local import prepare_workspace

    folder = prepare_workspace(workspace)
    free = shutil.disk_usage(folder).free / 1e9
    if free < 1:
        raise SafsError(f"{folder} has {free:.1f} GB left; a run wants 1 GB or more")
    return f"{folder}, {free:.0f} GB free"


def tracking(workspace: Path) -> str:
    """The tracking server or database answers."""
    uri = tracking_uri(workspace)
    experiments = _client(workspace).search_experiments()
    names = ", ".join(sorted(one.name for one in experiments)[:5])
    return f"{redact(uri)}, experiments: {names}"


def _client(workspace: Path) -> Any:
    from safs.mlops.tracking import open_client

    with ONE_AT_A_TIME:
        return open_client(tracking_uri(workspace))


def registry(workspace: Path, model_name: str) -> str:
    """The registered model has a champion, and its aliases point to versions that are ready."""
    from mlflow.exceptions import MlflowException

    client = _client(workspace)
    try:
        aliases = dict(client.get_registered_model(model_name).aliases)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise Absent(f"there is no model {model_name!r} yet; a run registers one") from None
        raise
    for alias, number in aliases.items():
        version = client.get_model_version(model_name, number)
        if version.status != "READY":
            raise SafsError(f"{alias} is version {number}, which is {version.status}; set the alias to another")
        if "model_fingerprint" not in version.tags:
            raise SafsError(f"{alias} is version {number}, which safs has not registered; see `safs audit`")
    if "champion" not in aliases:
        raise SafsError(f"{model_name!r} has no champion; `safs promote` makes one of the challenger")
    return ", ".join(f"{alias} {aliases[alias]}" for alias in ALIASES if alias in aliases)


def database(storage: str) -> str:
    """The database that searches on several machines share answers."""
    if not storage:
        raise Absent("--storage or SAFS_STORAGE names the database that several machines search in")
    import sqlalchemy

    options: dict[str, Any] = {"connect_timeout": 5} if storage.startswith("postgresql") else {}
    try:
        engine = sqlalchemy.create_engine(storage, connect_args=options)
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("select 1"))
            name = connection.dialect.name
            version = ".".join(map(str, connection.dialect.server_version_info or ()))
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        reason = str(error).split("\n")[0].replace(storage, redact(storage))[:200]
        raise SafsError(f"{redact(storage)} does not answer ({reason}); see its address, user and password") from None
    return f"{redact(storage)}, {name} {version}"


def object_store(bucket: str) -> str:
    """The bucket can be listed with the credentials that are set."""
    if not bucket:
        raise Absent(
            "--bucket names a bucket of data or artifacts; AWS_ENDPOINT_URL and the AWS credentials lead there"
        )
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    where = os.environ.get("AWS_ENDPOINT_URL", "AWS")
    config = Config(
        connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}
    )
    name = bucket.removeprefix("s3://").partition("/")[0]
    try:
        answer = boto3.session.Session().client("s3", config=config).list_objects_v2(Bucket=name, MaxKeys=1)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        advice = {"NoSuchBucket": "make the bucket", "AccessDenied": "let the key list it"}.get(
            code, "see the AWS credentials"
        )
        raise SafsError(f"{name} at {where} answered {code}; {advice}") from None
    except BotoCoreError as error:
        raise SafsError(
            f"{where} does not answer ({' '.join(str(error).split())[:200]}); see AWS_ENDPOINT_URL"
        ) from None
    return f"{name} at {where}, {'holds objects' if answer.get('Contents') else 'empty'}"


def kubeflow(host: str, namespace: str) -> str:
    """The Kubeflow Pipelines endpoint answers and lets its user list runs."""
    if not host:
        raise Absent("--host or KF_PIPELINES_ENDPOINT names the Kubeflow Pipelines endpoint")
    from safs.kubeflow.endpoint import Endpoint
    from safs.kubeflow.runs import latest_runs

    found = latest_runs(Endpoint(host, namespace, patience=(3.0, 5.0)), "", 1)
    return f"{host}, last run: {found[0].display_name} ({found[0].state})" if found else f"{host}, no runs yet"


def component_image(image: str) -> str:
    """The image is here, runs as nobody in particular, and says which code it holds."""
    if not image:
        raise Absent("--image names the component image, to look at it with Docker")
    import docker

    from safs.kubeflow.containers import image_id

    digest = image_id(image)
    client = docker.from_env(timeout=10)
    try:
        config = client.images.get(image).attrs["Config"]
    finally:
        client.close()
    if str(config.get("User") or "0").partition(":")[0] in ("0", "root"):
        raise SafsError(f"{image} runs as root, which a restricted namespace refuses; build it with `make image`")
    revision = (config.get("Labels") or {}).get("org.opencontainers.image.revision", "unknown")
    return f"{digest[:19]}, revision {revision[:12]}"
