"""How steps become KFP components."""

import inspect
from collections.abc import Callable
from typing import Any

from kfp import dsl

from safs.kubeflow.package import IMAGE
from safs.kubeflow.parameters import document
from safs.steps.arguments import Step, parameter_docs

CODE_VERSION = {"code_version": "Fingerprint of the code and the data files; a new one makes cached results stale."}


def step_component(step: Step) -> Callable[[Callable[..., Any]], Any]:
    """Decorator that makes a function the KFP component of a step, with the step's own documentation."""

    def decorate(function: Callable[..., Any]) -> Any:
        summary = (inspect.getdoc(step) or "").partition("\n")[0]
        function.__doc__ = document(summary, {**parameter_docs(step), **CODE_VERSION})
        return dsl.component(base_image=IMAGE, install_kfp_package=False)(function)

    return decorate
