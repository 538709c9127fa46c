"""What a model gets wrong: by class, and the test images where it was most sure of a wrong answer."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from safs.data.dataset import open_part
from safs.data.tensors import load_tensors
from safs.evaluation.measurement import logits_of
from safs.models import load_model

MOST, SIDE = 24, 96


def worst_mistakes(data: Path, model: Path, memory_gib: float = 0.0) -> list[dict[str, Any]]:
    """The wrong answers on test images of which a model was most sure, the surest first, at most 24.

    Args:
        data: data set folder.
        model: model folder.
        memory_gib: see `load_tensors`.

    Returns:
        true and predicted, class indices; confidence, in [0, 1]; image, a PNG as a data URI, empty for series.
    """
    network, _ = load_model(model)
    test = load_tensors(data, "test", memory_gib)
    confidence, predicted = logits_of(network, test).softmax(1).max(1)
    wrong = (predicted != test.y).nonzero().flatten()
    worst = wrong[confidence[wrong].argsort(descending=True, stable=True)][:MOST].tolist()
    pixels = open_part(data, "test").x
    return [
        {
            "true": int(test.y[i]),
            "predicted": int(predicted[i]),
            "confidence": round(float(confidence[i]), 4),
            "image": png(pixels[i]) if pixels.ndim == 4 else "",
        }
        for i in worst
    ]


def png(pixels: NDArray[np.uint8]) -> str:
    """An image [channels, height, width] as a data URI, at most 96 pixels wide and high; other than 1 or 3 channels: the first."""
    rows = pixels.transpose(1, 2, 0) if pixels.shape[0] == 3 else pixels[0]
    image = Image.fromarray(np.ascontiguousarray(rows))
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def class_rows(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> list[dict[str, Any]]:
    """By class: its test examples, how many are recognised, and what the others are most often taken for."""
    rows = []
    for index, (name, counts) in enumerate(zip(classes, confusion, strict=True)):
        others = [count if other != index else 0 for other, count in enumerate(counts)]
        taken = classes[int(np.argmax(others))] if any(others) else ""
        rows.append({"name": name, "examples": sum(counts), "right": counts[index], "taken_for": taken})
    return rows
