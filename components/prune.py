"""The KFP component of `safs.steps.prune`."""

from kfp import dsl

from safs.kubeflow.definition import step_component
from safs.steps import STEPS


@step_component(STEPS["prune"])
def prune(
    models: dsl.Input[dsl.Model],
    out: dsl.Output[dsl.Model],
    sparsity: float = 0.99,
    scope: str = "layerwise",
    code_version: str = "",
):
    from safs.kubeflow.component import execute

    execute("prune", models=models, out=out, sparsity=sparsity, scope=scope)
