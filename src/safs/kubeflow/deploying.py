"""Applies a deployment to the compiled pipeline.

kfp and kfp-kubernetes encode it: a pipeline of a single step gets what the deployment says, and what they make of it is moved
to the step of that name in the compiled pipeline.
"""

from collections.abc import Iterator
from typing import Any

from safs.errors import SafsError
from safs.kubeflow.deployment import Deployment, StepDeployment
from safs.mlops.tracked import KFP_RUN
from safs.steps import STEPS


def deploy(pipeline: dict[str, Any], deployment: Deployment) -> tuple[dict[str, Any], dict[str, Any]]:
    """Put a deployment into a compiled pipeline.

    Args:
        pipeline: the pipeline's specification; it is changed.
        deployment: the deployment file.

    Returns:
        The specification, and that of the platform.

    Raises:
        SafsError: kfp refuses a value.
    """
    platform: dict[str, Any] = {}
    for step in STEPS:
        wanted = deployment.of(step)
        container, task, kubernetes = _encode(step, wanted)
        own = pipeline["deploymentSpec"]["executors"][f"exec-{step}"]["container"]
        own |= container
        for found in _tasks(pipeline, step):
            if "retryPolicy" in task:
                found["retryPolicy"] = task["retryPolicy"]
            if not wanted.cache:
                found["cachingOptions"] = {}
        platform[f"exec-{step}"] = kubernetes
    return pipeline, {"platforms": {"kubernetes": {"deploymentSpec": {"executors": platform}}}}


def _encode(step: str, wanted: StepDeployment) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A step's container, its task and its pod, as kfp writes them."""
    from google.protobuf.json_format import MessageToDict
    from kfp import dsl

    def alone() -> dsl.ContainerSpec:
        return dsl.ContainerSpec(image="alone")

    def single() -> None:
        task = dsl.container_component(alone)()
        _set_container(task, wanted)
        _set_pod(task, wanted)

    try:
        made: Any = dsl.pipeline(name="single")(single)
    except ValueError as error:
        raise SafsError(f"the deployment of {step}: {' '.join(str(error).split())}") from None
    specification, platform = MessageToDict(made.pipeline_spec), MessageToDict(made.platform_spec)
    container = specification["deploymentSpec"]["executors"]["exec-alone"]["container"]
    executors = platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
    kept = {name: container[name] for name in ("resources", "env") if name in container}
    if wanted.image:
        kept["image"] = wanted.image
    return kept, specification["root"]["dag"]["tasks"]["alone"], executors.get("exec-alone", {})


def _set_container(task: Any, wanted: StepDeployment) -> None:
    for set_value, value in (
        (task.set_cpu_limit, wanted.cpu),
        (task.set_cpu_request, wanted.cpu_request or wanted.cpu),
        (task.set_memory_limit, wanted.memory),
        (task.set_memory_request, wanted.memory_request or wanted.memory),
    ):
        if value:
            set_value(value)
    if wanted.gpu:
        task.set_accelerator_type(wanted.gpu_type).set_accelerator_limit(wanted.gpu)
    for name, value in wanted.env.items():
        task.set_env_variable(name, value)
    if wanted.retries:
        again = wanted.retries
        task.set_retry(again.count, _seconds(again.wait), again.factor, _seconds(again.longest))


def _set_pod(task: Any, wanted: StepDeployment) -> None:
    from kfp import kubernetes

    kubernetes.use_field_path_as_env(task, KFP_RUN, "metadata.labels['pipeline/runid']")
    if wanted.timeout:
        kubernetes.set_timeout(task, wanted.timeout)
    for key, value in wanted.node_selector.items():
        kubernetes.add_node_selector(task, key, value)
    for one in wanted.tolerations:
        kubernetes.add_toleration(task, one.key, one.operator, one.value, one.effect)
    for volume in wanted.volumes:
        kubernetes.mount_pvc(task, volume.claim, volume.path, volume.sub_path)
    for secret in wanted.secrets:
        for variable, key in secret.env.items():
            kubernetes.use_secret_as_env(task, secret.name, {key: variable}, secret.optional)
    for key, value in wanted.labels.items():
        kubernetes.add_pod_label(task, key, value)
    for key, value in wanted.annotations.items():
        kubernetes.add_pod_annotation(task, key, value)


def _seconds(duration: str) -> str:
    return f"{int(duration[:-1]) * {'s': 1, 'm': 60, 'h': 3600}[duration[-1]]}s"


def _tasks(pipeline: dict[str, Any], step: str) -> Iterator[dict[str, Any]]:
    """The tasks of a step, wherever they stand in the pipeline."""
    for component in (pipeline["root"], *pipeline["components"].values()):
        for task in component.get("dag", {}).get("tasks", {}).values():
            if task["componentRef"]["name"] == f"comp-{step}":
                yield task
