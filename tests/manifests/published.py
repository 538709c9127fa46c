"""Schemas of custom resources as their projects publish them (KServe, the Prometheus operator, Kubeflow Pipelines)."""

import gzip
import json
import sys
from functools import cache
from pathlib import Path

import jsonschema
import pytest

FILE = Path(sys.prefix) / "schemas" / "class_generator" / "schema" / "__resources-mappings.json.gz"


@cache
def schemas():
    """The published schema by API version and kind."""
    if not FILE.exists():
        pytest.skip("the published schemas are not installed: run `make test`, or see tests/manifests/requirements.txt")
    read = json.loads(gzip.decompress(FILE.read_bytes()))
    return {
        (f"{name['group']}/{name['version']}", name["kind"]): schema
        for versions in read.values()
        for schema in versions
        for name in schema.get("x-kubernetes-group-version-kind", [])
    }


def strict(schema):
    """Refuse fields that are not listed, as `kubectl apply --validate=strict` does, but where the schema keeps unknown ones."""
    if not isinstance(schema, dict):
        return schema
    closed = {name: strict(part) for name, part in schema.items() if name != "properties"}
    if "properties" in schema:
        closed["properties"] = {name: strict(part) for name, part in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            closed.setdefault("additionalProperties", False)
    return closed


def validate(resource, *, newer=()):
    """Check all but metadata against the project's schema; the resource may use `newer` fields. False if nobody publishes one."""
    schema = schemas().get((resource["apiVersion"], resource["kind"]))
    if schema is None:
        return False
    spec = {name: value for name, value in resource["spec"].items() if name not in newer}
    fields = schema["properties"] | {"metadata": {"type": "object"}}
    # Not jsonschema.validate, which refuses the whole schema for a pattern in Go's dialect.
    jsonschema.Draft202012Validator(strict({**schema, "properties": fields})).validate({**resource, "spec": spec})
    return True
