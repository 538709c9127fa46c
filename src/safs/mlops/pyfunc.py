"""What `mlflow.pyfunc.load_model` calls to load a registered model that the runtime does not cover: PyTorch runs it."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from safs.data.tensors import normalise
from safs.models import load_model
from safs.runtime.pyfunc import as_array
from safs.training.trainer import predict_logits


class Predictor:
    """Predicts class probabilities with a model folder."""

    def __init__(self, folder: Path) -> None:
        self.model, self.spec = load_model(folder)

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> np.ndarray:  # noqa: ARG002 - MLflow passes it
        """Class probabilities, as `safs.runtime.pyfunc.Predictor.predict` gives them."""
        x = normalise(torch.from_numpy(as_array(model_input)), self.spec.mean, self.spec.std, self.spec.curves)
        return torch.cat(list(predict_logits(self.model, x))).softmax(1).numpy()


def _load_pyfunc(data_path: str) -> Predictor:
    return Predictor(Path(data_path) / "model")
