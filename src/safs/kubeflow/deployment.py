"""The deployment file: what each step's pod gets on a cluster, applied to the compiled pipeline and never in code."""

from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import AfterValidator, Field

from safs.errors import SafsError, unknown
from safs.kubeflow.files import Checked, read_checked
from safs.steps import STEPS

Cpu = Annotated[str, Field(pattern=r"^\d+(\.\d+)?$|^\d+m$")]
Memory = Annotated[str, Field(pattern=r"^\d+(K|M|G|T|Ki|Mi|Gi|Ti)$")]
Duration = Annotated[str, Field(pattern=r"^\d+[smh]$")]
Path_ = Annotated[str, Field(pattern=r"^/")]


def _no_secret(value: dict[str, str]) -> dict[str, str]:
    for name, content in value.items():
        hidden = any(word in name.upper() for word in ("PASSWORD", "SECRET", "TOKEN", "ACCESS_KEY"))
        if hidden or "@" in content.partition("://")[2].partition("/")[0]:
            raise ValueError(f"{name} looks like a secret; name a Kubernetes secret that holds it, under secrets")
    return value


class Volume(Checked):
    """A persistent volume claim, and the folder where a step sees it."""

    claim: str
    path: Path_
    sub_path: str = ""


class Secret(Checked):
    """A Kubernetes secret whose keys become variables of the environment: `env` maps variables to keys."""

    name: str
    env: Annotated[dict[str, str], Field(min_length=1)]
    optional: bool = False


class Toleration(Checked):
    """A taint that a step's pod tolerates."""

    key: str
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str | None = None
    effect: Literal["NoExecute", "NoSchedule", "PreferNoSchedule"] | None = None


class Retries(Checked):
    """How often a step is tried again, and how long after: `wait`, then `factor` times as long each time, up to `longest`."""

    count: Annotated[int, Ge(0)]
    wait: Duration = "30s"
    factor: Annotated[float, Ge(1)] = 2.0
    longest: Duration = "1h"


class StepDeployment(Checked):
    """What a step's pod gets; what is not named is left to the cluster.

    Attributes:
        image: component image of this step alone, such as one with CUDA.
        cpu: limit, such as "2" or "500m"; it is requested as well unless `cpu_request` says otherwise.
        cpu_request: what is set aside.
        memory: limit, such as "4Gi"; it is requested as well unless `memory_request` says otherwise.
        memory_request: what is set aside.
        gpu: how many GPUs.
        gpu_type: the resource they are.
        node_selector: labels that the node must have.
        tolerations: taints that the pod tolerates.
        volumes: persistent volume claims.
        secrets: Kubernetes secrets as variables of the environment.
        env: variables of the environment that are no secret.
        timeout: seconds after which the pod is stopped.
        retries: how often it is tried again.
        cache: a finished step with the same inputs, parameters, code and image is not run again.
        labels: labels of the pod.
        annotations: annotations of the pod.
    """

    image: str = ""
    cpu: Cpu | None = None
    cpu_request: Cpu | None = None
    memory: Memory | None = None
    memory_request: Memory | None = None
    gpu: Annotated[int, Ge(0)] = 0
    gpu_type: str = "nvidia.com/gpu"
    node_selector: Annotated[dict[str, str], Field(default_factory=dict)]
    tolerations: tuple[Toleration, ...] = ()
    volumes: tuple[Volume, ...] = ()
    secrets: tuple[Secret, ...] = ()
    env: Annotated[dict[str, str], Field(default_factory=dict), AfterValidator(_no_secret)]
    timeout: Annotated[int, Ge(1)] | None = None
    retries: Retries | None = None
    cache: bool = True
    labels: Annotated[dict[str, str], Field(default_factory=dict)]
    annotations: Annotated[dict[str, str], Field(default_factory=dict)]


class Deployment(Checked):
    """The deployment file: what all steps get, and what single steps get beside or instead of it."""

    all: Annotated[StepDeployment, Field(default_factory=StepDeployment)]
    steps: Annotated[dict[str, StepDeployment], Field(default_factory=dict)]

    def of(self, step: str) -> StepDeployment:
        """What one step gets: lists and maps are joined, anything else of the step wins over that of all."""
        own = self.steps.get(step)
        if own is None:
            return self.all
        joined: dict[str, Any] = {}
        for name in own.model_fields_set:
            value, common = getattr(own, name), getattr(self.all, name)
            joined[name] = {**common, **value} if isinstance(value, dict) else value
            if isinstance(value, tuple):
                joined[name] = (*common, *value)
        return self.all.model_copy(update=joined)


def read_deployment(path: Path) -> Deployment:
    """Read and check a deployment file.

    Raises:
        SafsError: a key or a step is unknown, or a value breaks its rule.
    """
    deployment = read_checked(path, "deployment file", "all: {memory: 4Gi}", Deployment)
    for step in deployment.steps:
        if step not in STEPS:
            raise SafsError(f"deployment file {str(path)!r}: {unknown('step', step, STEPS)}")
    return deployment
