"""A data set as MLflow shows it: schema, profile, and where it came from."""

import json
from typing import Any

from mlflow.entities import Dataset

from safs.data.dataset import DatasetInfo


def dataset_entry(info: DatasetInfo) -> Dataset:
    """The entry for a run: named and told apart by its fingerprint, with shapes and types as its schema."""
    kind = "float32" if len(info.shape) == 2 else "uint8"
    schema = {"mlflow_tensorspec": {"features": _tensor(kind, info.shape), "targets": _tensor("int64", ())}}
    profile: dict[str, Any] = {f"{part}_size": size for part, size in info.sizes.items()}
    profile |= {"classes": list(info.classes), "channels": list(info.channels), "notes": list(info.notes)}
    remote = info.origin.startswith("s3://")
    return Dataset(
        name=info.name,
        digest=info.fingerprint[:32],
        source_type="s3" if remote else "local",
        source=json.dumps({"uri": info.origin}),
        schema=json.dumps(schema),
        profile=json.dumps(profile),
    )


def _tensor(kind: str, shape: tuple[int, ...]) -> str:
    return json.dumps([{"type": "tensor", "tensor-spec": {"dtype": kind, "shape": [-1, *shape]}}])
