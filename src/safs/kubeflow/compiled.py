"""The compiled pipeline with an image and a deployment put in, in each of the forms that somebody takes it in."""

from pathlib import Path
from typing import Any, NamedTuple

from safs.files import code_version
from safs.kubeflow.lint import check_pipeline
from safs.kubeflow.package import pipeline_text

NAME = "safs-training"


class Compiled(NamedTuple):
    """A compiled pipeline.

    Attributes:
        text: as a file.
        specification: as data.
        platform: what Kubernetes is to give its pods; empty if that is left to the cluster.
    """

    text: str
    specification: dict[str, Any]
    platform: dict[str, Any]

    @property
    def content(self) -> dict[str, Any]:
        """As the API takes it."""
        if not self.platform:
            return self.specification
        return {"pipeline_spec": self.specification, "platform_spec": self.platform}

    @property
    def images(self) -> list[str]:
        """The images of its steps, each once."""
        executors = self.specification["deploymentSpec"]["executors"].values()
        return sorted({executor["container"]["image"] for executor in executors})

    @property
    def version(self) -> str:
        """What a cache must follow beside the parameters and the data: the code and the images."""
        return " ".join((code_version(), *self.images))


def compiled(image: str = "", deployment: Path | None = None) -> Compiled:
    """The packaged training pipeline, with an image and a deployment put in.

    Args:
        image: component image, with its tag or digest; the package's own if empty.
        deployment: deployment file; None leaves resources and the like to the cluster.

    Raises:
        SafsError: the image is no name of an image, the file has a mistake, or the pipeline has a trap in it.
    """
    import yaml

    text = pipeline_text(image)
    specification: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    platform: dict[str, Any] = {}
    if deployment:
        from safs.kubeflow.deploying import deploy
        from safs.kubeflow.deployment import read_deployment

        specification, platform = deploy(specification, read_deployment(deployment))
        text = yaml.dump_all([specification, platform] if platform else [specification], Dumper=yaml.CSafeDumper)
    check_pipeline(specification)
    return Compiled(text, specification, platform)


def manifests(pipeline: Compiled, namespace: str) -> str:
    """A pipeline as Kubernetes resources for GitOps: a Pipeline, and a PipelineVersion named after code and images.

    Args:
        pipeline: the compiled pipeline.
        namespace: where they belong; empty leaves that to whoever applies them.
    """
    import hashlib
    from tempfile import TemporaryDirectory

    from kfp import components
    from kfp.compiler import Compiler
    from kfp.compiler.compiler_utils import KubernetesManifestOptions

    digest = hashlib.sha256(f"{code_version()}{pipeline.text}".encode()).hexdigest()[:12]
    options = KubernetesManifestOptions(
        pipeline_name=NAME,
        pipeline_version_name=f"{NAME}-{digest}",
        namespace=namespace or None,
        include_pipeline_manifest=True,
    )
    loaded = components.load_component_from_text(pipeline.text)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "manifests.yaml"
        Compiler().compile(loaded, str(path), kubernetes_manifest_format=True, kubernetes_manifest_options=options)
        return path.read_text(encoding="utf-8")
