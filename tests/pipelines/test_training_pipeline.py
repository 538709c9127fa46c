"""The compiled pipeline in the package is what the source compiles to, and it has the steps' parameters."""

import inspect
import re

import pytest
import yaml

from pipelines.compile import compile_training
from pipelines.training import training
from safs.kubeflow.package import PIPELINE, pipeline_text
from safs.kubeflow.parameters import pipeline_docs, pipeline_parameters
from safs.steps import STEPS


@pytest.fixture(scope="module")
def spec():
    return yaml.safe_load(PIPELINE.read_text())


def normal(text):
    return re.sub(r"sdkVersion: kfp-[\d.]+", "sdkVersion: kfp", text)


def test_the_packaged_pipeline_has_not_drifted_from_its_source(tmp_path):
    compile_training(tmp_path / "training.yaml")
    fresh = (tmp_path / "training.yaml").read_text()
    assert normal(fresh) == normal(PIPELINE.read_text()), "run `make compile`"


def test_the_pipeline_has_the_parameters_of_the_steps_with_their_defaults():
    source = dict(inspect.signature(training.pipeline_func).parameters)
    assert source.pop("code_version").default == ""
    assert {name: p.default for name, p in source.items()} == {
        name: p.default for name, p in pipeline_parameters().items()
    }


def test_parameters_of_one_name_mean_the_same_in_every_step():
    from safs.steps.arguments import parameter_docs, step_parameters

    for name, parameter in pipeline_parameters().items():
        for step in STEPS.values():
            own = step_parameters(step).get(name)
            if own is not None:
                assert own.default == parameter.default, (name, step.__name__)
                assert own.annotation == parameter.annotation, (name, step.__name__)
                assert parameter_docs(step)[name] == pipeline_docs()[name], (name, step.__name__)


def test_every_parameter_is_described_for_the_kubeflow_ui(spec):
    inputs = spec["root"]["inputDefinitions"]["parameters"]
    for name in pipeline_parameters():
        assert inputs[name]["description"] == pipeline_docs()[name]


def test_every_step_is_in_the_pipeline_once(spec):
    executors = spec["deploymentSpec"]["executors"]
    assert sorted(executors) == sorted(f"exec-{name}" for name in STEPS)


def test_registration_waits_for_the_gate_and_is_never_cached(spec):
    assert "register" not in spec["root"]["dag"]["tasks"]
    gate = spec["root"]["dag"]["tasks"]["condition-2"]
    assert "== 'yes'" in " ".join(gate["triggerPolicy"]["condition"].split())
    task = spec["components"]["comp-condition-2"]["dag"]["tasks"]["register"]
    assert task["cachingOptions"] == {}
    assert spec["root"]["dag"]["tasks"]["prepare"]["cachingOptions"]["enableCache"] is True


def test_compile_puts_an_image_into_every_component():
    wanted = "registry.example/team/safs@sha256:" + "0" * 64
    images = [
        e["container"]["image"] for e in yaml.safe_load(pipeline_text(wanted))["deploymentSpec"]["executors"].values()
    ]
    assert images == [wanted] * len(STEPS)
