"""The lint finds the traps of Kubeflow Pipelines in pipelines that kfp compiles without a word."""

from typing import NamedTuple

import pytest
import yaml
from kfp import dsl
from kfp.compiler import Compiler

from safs.errors import SafsError
from safs.kubeflow.compiled import compiled
from safs.kubeflow.lint import check_pipeline, lint_pipeline

STEP = dsl.component(base_image="some/image:1", install_kfp_package=False)


@STEP
def take(code_version: str = "", value: dict = {}):  # noqa: B006
    print(value)


@STEP
def named(code_version: str = "") -> NamedTuple("Outputs", [("good", str), ("values", list)]):
    return ("yes", [1])


@STEP
def single(code_version: str = "") -> str:
    return "yes"


@STEP
def careless():
    print("no version")


@dsl.component(base_image="some/image:latest", packages_to_install=["numpy"])
def late(code_version: str = ""):
    print("installs")


@dsl.pipeline
def gate():
    with dsl.If(named().outputs["good"] == "yes"):
        take()


@dsl.pipeline
def loop():
    with dsl.ParallelFor(named().outputs["values"]):
        take()


@dsl.pipeline
def nested(name: str = "a"):
    take(value={"name": name})


@dsl.pipeline
def interpreter(where: str = "/opt/python3/data"):
    take(code_version="python3")


@dsl.pipeline
def forgetful():
    careless()


@dsl.pipeline
def installing():
    late()


@dsl.pipeline
def sound():
    with dsl.If(single(code_version="1").output == "yes"):
        take(code_version="1")


def spec_of(pipeline, tmp_path):
    Compiler().compile(pipeline, str(tmp_path / "p.yaml"))
    return yaml.safe_load((tmp_path / "p.yaml").read_text())


TRAPS = [
    (gate, "gate condition-1 asks a named output"),
    (loop, "loop for-loop-1 goes over a named output"),
    (nested, "value of take holds a parameter inside"),
    (interpreter, "default of where in root has 'python3'"),
    (interpreter, "code_version of take has 'python3'"),
    (forgetful, "careless is cached but does not take code_version"),
    (installing, "late installs packages"),
    (installing, "image some/image:latest, whose content changes"),
]


@pytest.mark.parametrize(("pipeline", "text"), TRAPS, ids=lambda value: getattr(value, "name", value)[:30])
def test_a_trap_is_found(pipeline, text, tmp_path):
    found = "; ".join(lint_pipeline(spec_of(pipeline, tmp_path)))
    assert text in found


def test_a_pipeline_without_traps_passes_and_one_with_them_is_refused(tmp_path):
    check_pipeline(spec_of(sound, tmp_path))
    with pytest.raises(SafsError, match="would not run as it reads"):
        check_pipeline(spec_of(gate, tmp_path))


def test_the_packaged_pipeline_has_no_trap():
    assert list(lint_pipeline(compiled("registry.example/safs@sha256:" + "0" * 64).specification)) == []


def test_compile_refuses_an_image_that_changes_under_its_name():
    with pytest.raises(SafsError, match="latest, whose content changes"):
        compiled("some/image:latest")
