"""A component has its step's parameters, defaults and documentation, and nothing of its own but views."""

import importlib
import inspect

import pytest
from kfp import dsl

from safs.kubeflow.parameters import is_path
from safs.steps import STEPS
from safs.steps.arguments import parameter_docs, step_parameters

VIEWS = {"system.Metrics", "system.ClassificationMetrics", "system.HTML"}


def component(name):
    return getattr(importlib.import_module(f"components.{name}"), name)


@pytest.mark.parametrize("name", STEPS)
def test_a_component_has_the_parameters_and_defaults_of_its_step(name):
    spec = component(name).component_spec
    for parameter in step_parameters(STEPS[name]).values():
        if parameter.name == "out":
            assert "out" in spec.outputs
            continue
        declared = spec.inputs[parameter.name]
        if is_path(parameter.annotation):
            assert declared.type.startswith("system.")
            continue
        assert declared.default == parameter.default, parameter.name
        expected = {bool: "Boolean", int: "Integer", float: "Float", str: "String", list: "typing.List"}
        assert declared.type.partition("[")[0] == expected[type(parameter.default)], parameter.name


@pytest.mark.parametrize("name", STEPS)
def test_a_component_adds_only_views_and_the_code_version(name):
    spec = component(name).component_spec
    own = set(step_parameters(STEPS[name]))
    assert set(spec.inputs) - own == {"code_version"}
    extra = {key: value.type.split("@")[0] for key, value in (spec.outputs or {}).items() if key not in own}
    assert all(kind in VIEWS or key == "Output" for key, kind in extra.items())


@pytest.mark.parametrize("name", STEPS)
def test_a_component_is_documented_by_its_step(name):
    spec = component(name).component_spec
    assert spec.description == inspect.getdoc(STEPS[name]).partition("\n")[0]
    for parameter, text in parameter_docs(STEPS[name]).items():
        if parameter in spec.inputs:
            assert spec.inputs[parameter].description == text


@pytest.mark.parametrize("name", STEPS)
def test_the_body_of_a_component_is_a_few_lines(name):
    source = inspect.getsource(component(name).python_func)
    body = source.partition("from safs.kubeflow.component import execute")[2]
    assert "import torch" not in body
    assert len(body.splitlines()) <= 30


def test_components_run_without_installing_anything():
    for name in STEPS:
        container = component(name).component_spec.implementation.container
        assert "pip install" not in " ".join(container.command)
        assert isinstance(component(name), dsl.base_component.BaseComponent)
