"""A model folder becomes a file for production, run by the runtime and checked against the model on validation data."""

from pathlib import Path
from typing import Any

import numpy as np

from safs.compaction import compact
from safs.data.tensors import load_tensors
from safs.errors import SafsError
from safs.export.checking import LIMITS, check_equal, evaluated
from safs.export.forms import Form, Values
from safs.export.onnx_file import run_onnx, write_onnx
from safs.export.size import dense_bytes
from safs.export.sparse_file import write
from safs.export.tracing import trace
from safs.files import fingerprint
from safs.models import load_model
from safs.runtime import load

FILES: dict[Form, str] = {"sparse": "model.safs", "onnx": "model.onnx"}
MOST_IMAGES = 1024  # of validation: more would say no more about equality


def export_model(data: Path, model: Path, out: Path, form: Form, values: Values) -> dict[str, Any]:
    """Write a model in a form for production into the folder `out`.

    Args:
        data: data set folder; its validation part is what the export is checked on.
        model: model folder.
        out: folder to write to.
        form: "sparse", or "onnx".
        values: type of the weights in the sparse file.

    Returns:
        Bytes, how many times smaller than the dense weights that is, relative error, units that were dead and are gone, share of equal
        predictions.

    Raises:
        NotCoveredError: a layer is not covered.
        SafsError: the exported model is not equal to the model.
    """
    network, spec = load_model(model)
    images = load_tensors(data, "validation").x[:MOST_IMAGES]
    if tuple(images.shape[1:]) != spec.input_shape:
        raise SafsError(
            f"{model} takes inputs {spec.input_shape}, {data} has {tuple(images.shape[1:])}; name its data set"
        )
    if form == "onnx" and values != "float32":
        raise SafsError(f"values is {values!r}; the form onnx has float32 weights only, the form sparse has both")
    written = out / FILES[form]
    wanted = evaluated(network, images)
    small = compact(network, spec.input_shape)
    traced = trace(small.model, spec)
    rows = (images if images.ndim == 4 else images.unsqueeze(2)).numpy()  # a series is an image of one row
    if form == "onnx":
        size, ours = write_onnx(written, traced), run_onnx(written, rows)
    else:
        size, ours = write(written, traced, values), load(written).predict(rows)
    return {
        "form": form,
        "values": values,
        "bytes": size,
        "times_smaller": dense_bytes(network) / size,
        "relative_error": check_equal(ours, wanted, LIMITS[values]),
        "removed_units": sum(small.removed.values()),
        "same_predictions": float(np.mean(ours.argmax(1) == wanted.argmax(1))),
        "model_fingerprint": fingerprint(model),
    }
