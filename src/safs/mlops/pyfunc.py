"""What `mlflow.pyfunc.load_model` calls to load a registered model: no pickle, only the model's own folder."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from safs.data.tensors import normalise
from safs.models import load_model
from safs.training.trainer import predict_logits


class Predictor:
    """Predicts class probabilities with a model folder."""

    def __init__(self, folder: Path) -> None:
        self.model, self.spec = load_model(folder)

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> np.ndarray:  # noqa: ARG002 - MLflow passes it
        """Class probabilities of images.

        Args:
            model_input: images [batch, channels, height, width], float32 in [0, 1], or series [batch, channels, length],
                as an array or as {"images": array} or {"series": array}.
            params: not used.

        Returns:
            [batch, classes], float32; the classes are in the order of `model.json`.
        """
        if isinstance(model_input, pd.DataFrame):
            model_input = np.stack([np.asarray(image) for image in model_input.iloc[:, 0]])
        if isinstance(model_input, dict):
            model_input = model_input["images" if len(self.spec.input_shape) == 3 else "series"]
        pixels = torch.from_numpy(np.asarray(model_input, dtype=np.float32))
        x = normalise(pixels, self.spec.mean, self.spec.std, self.spec.curves)
        return torch.cat(list(predict_logits(self.model, x))).softmax(1).numpy()


def _load_pyfunc(data_path: str) -> Predictor:
    return Predictor(Path(data_path))
