"""The KFP component of `safs.steps.register`."""

from kfp import dsl

from safs.kubeflow.definition import step_component
from safs.steps import STEPS


@step_component(STEPS["register"])
def register(
    data: dsl.Input[dsl.Dataset],
    selection: dsl.Input[dsl.Model],
    out: dsl.Output[dsl.Artifact],
    model_name: str = "safs",
    code_version: str = "",
):
    from safs.kubeflow.component import execute

    execute("register", data=data, selection=selection, out=out, model_name=model_name)
