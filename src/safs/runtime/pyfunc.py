"""What `mlflow.pyfunc.load_model` calls to load a registered model where there is no torch."""

from pathlib import Path
from typing import Any

import numpy as np

from safs.runtime.model import load
from safs.runtime.network import Floats


class Predictor:
    """Predicts class probabilities with an exported network; any number of threads may use it at once.

    Args:
        file: what `safs export` wrote.
    """

    def __init__(self, file: Path) -> None:
        self.model = load(file, threads=0)

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Floats:  # noqa: ARG002 - MLflow passes it
        """Class probabilities of images or series.

        Args:
            model_input: images [batch, channels, height, width], float32 in [0, 1], or series [batch, channels, length],
                as an array, as {"images": array} or {"series": array}, or as a data frame with one in each row.
            params: not used.

        Returns:
            [batch, classes], float32; the classes are in the order of `model.json`.
        """
        x = as_array(model_input)
        logits = self.model.classify(x[:, :, None] if x.ndim == 3 else x)  # a series is an image of one row
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def as_array(model_input: Any) -> Floats:
    """The array in whatever MLflow hands over."""
    if isinstance(model_input, dict):
        (model_input,) = model_input.values()
    if hasattr(model_input, "iloc"):  # a data frame, told without importing pandas
        model_input = np.stack([np.asarray(row) for row in model_input.iloc[:, 0]])
    return np.asarray(model_input, dtype=np.float32)


def _load_pyfunc(data_path: str) -> Predictor:
    return Predictor(Path(data_path) / "model.safs")
