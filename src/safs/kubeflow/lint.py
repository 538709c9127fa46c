"""Finds in a compiled pipeline what Kubeflow Pipelines 2.17 compiles and runs, but not as it reads."""

import re
from collections.abc import Iterator
from typing import Any

from safs.errors import SafsError

GATE = re.compile(r"inputs\.parameter_values\['([^']+)'\]")
SINGLE = "Output"  # the name of a component's only, unnamed value


def check_pipeline(pipeline: dict[str, Any]) -> None:
    """Refuse a compiled pipeline with traps in it.

    Raises:
        SafsError: it has one; all of them are named.
    """
    found = list(lint_pipeline(pipeline))
    if found:
        raise SafsError(f"the compiled pipeline would not run as it reads: {'; '.join(found)}")


def lint_pipeline(pipeline: dict[str, Any]) -> Iterator[str]:
    """The traps in a compiled pipeline, a line each.

    Args:
        pipeline: its specification.
    """
    for name, executor in pipeline["deploymentSpec"]["executors"].items():
        yield from _executor(name, executor["container"])
    for name, component in {"root": pipeline["root"], **pipeline["components"]}.items():
        for key, entry in component.get("inputDefinitions", {}).get("parameters", {}).items():
            if "python3" in str(entry.get("defaultValue", "")):
                yield f"the default of {key} in {name} has 'python3', which is replaced by the interpreter's path"
        for key, task in component.get("dag", {}).get("tasks", {}).items():
            yield from _task(key, task)


def _executor(name: str, container: dict[str, Any]) -> Iterator[str]:
    image = container["image"]
    if "@sha256:" not in image and (":" not in image.rpartition("/")[2] or image.endswith(":latest")):
        yield f"{name} has the image {image}, whose content changes without the cache noticing; name a tag or a digest"
    if any("pip install" in part for part in (*container.get("command", ()), *container.get("args", ()))):
        yield f"{name} installs packages when it starts; they belong into the image"


def _task(name: str, task: dict[str, Any]) -> Iterator[str]:
    inputs = task.get("inputs", {}).get("parameters", {})
    condition = task.get("triggerPolicy", {}).get("condition", "")
    for key in GATE.findall(condition):
        if _named(inputs.get(key, {})):
            yield f"the gate {name} asks a named output, which is never true; return one unnamed value"
    iterator = task.get("parameterIterator", {}).get("items", {})
    if _named(inputs.get(iterator.get("inputParameter", ""), {})):
        yield f"the loop {name} goes over a named output, which fails; return one unnamed value"
    for key, entry in inputs.items():
        constant = entry.get("runtimeValue", {}).get("constant")
        if "python3" in str(constant):
            yield f"{key} of {name} has 'python3', which is replaced by the interpreter's path"
        if isinstance(constant, dict | list) and "{{$" in str(constant):
            yield f"{key} of {name} holds a parameter inside a list or dict, which becomes text; give it by itself"
    cached = task.get("cachingOptions", {}).get("enableCache")
    if cached and "code_version" not in inputs and "dag" not in task:
        yield f"{name} is cached but does not take code_version; new code would be given old results"


def _named(entry: dict[str, Any]) -> bool:
    output = entry.get("taskOutputParameter", {}).get("outputParameterKey")
    return output is not None and output != SINGLE
