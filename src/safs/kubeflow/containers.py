"""Local runs in containers: the same pipeline, in the image that a cluster would run."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safs.cache import CACHE
from safs.errors import SafsError
from safs.kubeflow.package import IMAGE

PROCESS, OF_NOBODY = "safs.process", "0"
NOBODY = 10001  # the image's own user
HANDED_ON = ("AWS_", "MLFLOW_", "SAFS_", "OMP_")


def image_id(image: str) -> str:
    """The content of an image, which its name does not tell.

    Raises:
        SafsError: Docker does not answer, or there is no such image.
    """
    import docker
    from docker.errors import DockerException, ImageNotFound

    name = image or IMAGE
    try:
        client = docker.from_env(timeout=30)
        try:
            return str(client.images.get(name).id)
        finally:
            client.close()
    except ImageNotFound:
        raise SafsError(f"there is no image {name!r} here; build it with `make image`, or pull it") from None
    except (DockerException, OSError) as error:
        raise SafsError(f"Docker does not answer ({error}); start it, or leave --runner at subprocess") from None


def container_options(
    environment: Mapping[str, str], workspace: Path, inputs: list[Path], version: str
) -> dict[str, Any]:
    """How each task's container runs: as nobody in particular, with nothing but the workspace to write to.

    Args:
        environment: variables of the tasks.
        workspace: folder that they write to.
        inputs: files and folders that they read.
        version: content of the image.
    """
    from docker.types import Mount

    user = (NOBODY, NOBODY) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    handed = {name: value for name, value in os.environ.items() if name.startswith(HANDED_ON)}
    kernels = workspace / "numba" / version.rpartition(":")[2][:12]  # the image's, or compiled once for all tasks
    cache = {"NUMBA_CACHE_DIR": str(kernels), CACHE: str(workspace / "kept")}
    shared = {name: value for name, value in environment.items() if name != "PATH"}
    mounts = [Mount(str(workspace), str(workspace), type="bind")]
    mounts += [Mount(str(path), str(path), type="bind", read_only=True) for path in inputs]
    return {
        "user": "{}:{}".format(*user),
        "environment": handed | shared | cache,
        "mounts": mounts,
        "network_mode": "host",  # a tracking server on this machine answers at the same address
        "read_only": True,
        "tmpfs": {"/tmp": "mode=1777"},  # noqa: S108 - inside the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "labels": {PROCESS: str(os.getpid())},
    }


def inputs_of(arguments: Mapping[str, Any]) -> list[Path]:
    """The files and folders of this machine that a run's parameters name."""
    named = (arguments["data_root"], arguments["dataset"], arguments["warm_start"])
    paths = [Path(name).expanduser() for name in named if name and "://" not in name and "/" in name]
    return [path.resolve() for path in paths if path.exists()]


@contextmanager
def writable(workspace: Path) -> Iterator[None]:
    """Lets the containers' user write to a workspace that root has made; what is made meanwhile, too."""
    if os.geteuid() != 0:
        yield
        return
    for path in (workspace, *workspace.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def ended() -> Iterator[None]:
    """Ends the containers of this process with it, and those that a process which was killed has left."""
    _end_orphans(also=os.getpid())
    try:
        yield
    finally:
        _end_orphans(also=os.getpid())


def _end_orphans(also: int) -> None:
    import docker
    from docker.errors import APIError, NotFound

    client = docker.from_env(timeout=30)
    try:
        for container in client.containers.list(filters={"label": PROCESS}):
            process = int(container.labels[PROCESS])
            if process == also or not Path(f"/proc/{process}").exists():
                try:
                    container.kill()
                except (NotFound, APIError):
                    continue  # it has ended by itself
    finally:
        client.close()
