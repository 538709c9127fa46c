"""A model folder becomes a file for production, run by the runtime and checked against the model on validation data."""

from pathlib import Path
from typing import Any

import numpy as np

from safs.compaction import compact
from safs.data.tensors import load_tensors
from safs.errors import SafsError
from safs.export.checking import LIMITS, check_equal, evaluated
from safs.export.size import dense_bytes
from safs.export.sparse_file import Values, write
from safs.export.tracing import trace
from safs.files import fingerprint
from safs.models import load_model
from safs.runtime import load

MODEL_FILE = "model.safs"
MOST_IMAGES = 1024  # of validation: more would say no more about equality


def export_model(data: Path, model: Path, out: Path, form: str, values: Values) -> dict[str, Any]:
    """Write a model in a form for production into the folder `out`.

    Args:
        data: data set folder; its validation part is what the export is checked on.
        model: model folder.
        out: folder to write to.
        form: "sparse".
        values: type of the weights in the file.

    Returns:
        Bytes, how many times smaller than the dense weights that is, relative error, units that were dead and are gone, share of equal
        predictions.

    Raises:
        SafsError: a layer is not covered, or the exported model is not equal to the model.
    """
    network, spec = load_model(model)
    images = load_tensors(data, "validation").x[:MOST_IMAGES]
    if tuple(images.shape[1:]) != spec.input_shape:
        raise SafsError(
            f"{model} takes inputs {spec.input_shape}, {data} has {tuple(images.shape[1:])}; name its data set"
        )
    written = out / MODEL_FILE
    wanted = evaluated(network, images)
    small = compact(network, spec.input_shape)
    size = write(written, trace(small.model, spec), values)
    rows = images if images.ndim == 4 else images.unsqueeze(2)  # a series is an image of one row
    ours = load(written).predict(rows.numpy())
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
