"""Versions measured side by side: predictions on test data, and the time of single ones, taken in turns."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from safs.data import load_info
from safs.data.dataset import open_part
from safs.data.rows import Rows
from safs.data.tensors import as_inputs
from safs.errors import SafsError
from safs.export.size import sparse_bytes
from safs.mlops.versions import Predictor, Stored
from safs.models import load_model
from safs.promotion.judgement import Measured

BATCH, WARM_UP, CALLS = 256, 10, 100


def measure_versions(versions: Sequence[Stored], data: Path) -> list[Measured]:
    """Measure versions on the test part of a data set; whatever disturbs the machine disturbs all of them alike.

    Args:
        versions: which.
        data: data set folder, the output of prepare.

    Raises:
        SafsError: a version takes other inputs, or knows other classes, than the data set has.
    """
    info, x = load_info(data), open_part(data, "test").x
    for stored in versions:
        spec = load_model(stored.weights)[1]
        if (spec.input_shape, spec.classes) != (info.shape, info.classes):
            raise SafsError(
                f"{stored.name} version {stored.version} takes {spec.input_shape} and knows {len(spec.classes)} classes, "
                f"{str(data)!r} has {info.shape} and {len(info.classes)}; give the data set it was made for"
            )
    predictors = [stored.predictor() for stored in versions]
    predictions = [predict_all(predictor, x).argmax(1) for predictor in predictors]
    times = single_times(predictors, x)
    return [
        Measured(
            stored.version,
            predicted.astype(np.int64),
            taken,
            sparse_bytes(load_model(stored.weights)[0]),
            stored.tags.get("data_fingerprint", ""),
        )
        for stored, predicted, taken in zip(versions, predictions, times, strict=True)
    ]


def predict_all(predictor: Predictor, x: Rows) -> NDArray[np.float32]:
    """Probabilities [count, classes] of any number of examples."""
    return np.concatenate([predictor(as_inputs(x[start : start + BATCH])) for start in range(0, len(x), BATCH)])


def single_times(predictors: Sequence[Predictor], x: Rows) -> list[NDArray[np.float64]]:
    """Milliseconds of single predictions in turns, [calls] a predictor.

    Args:
        predictors: whose.
        x: examples to take turns with.
    """
    taken = np.empty((len(predictors), WARM_UP + CALLS))
    for call in range(WARM_UP + CALLS):
        place = call % len(x)
        one = as_inputs(x[place : place + 1])
        for index, predictor in enumerate(predictors):
            started = time.perf_counter()
            predictor(one)
            taken[index, call] = 1e3 * (time.perf_counter() - started)
    return list(taken[:, WARM_UP:])
