"""How good a network is on a part of a data set."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from safs.data.tensors import Batchable, Inputs


@dataclass(frozen=True, order=True)
class Score:
    """How good a network is on validation data; the larger, the better: accuracy first, then the lower loss.

    Attributes:
        accuracy: fraction right, in [0, 1].
        negative_loss: minus the mean cross-entropy, in nats.
    """

    accuracy: float
    negative_loss: float


WORST = Score(0.0, -1e9)


@torch.no_grad()
def measure(model: nn.Module, data: Batchable, batch_size: int = 2048) -> Score:
    """Accuracy and mean cross-entropy of a model on a part of a data set; the model is put into evaluation mode."""
    logits = torch.cat(list(predict_logits(model, data.x, batch_size)))
    labels = data.y.to(logits.device)
    loss = float(F.cross_entropy(logits, labels))
    if not loss < float("inf"):  # NaN or infinity: the training has diverged
        return WORST
    return Score(int((logits.argmax(1) == labels).sum()) / len(labels), -loss)


@torch.no_grad()
def predict_logits(model: nn.Module, x: Inputs, batch_size: int = 2048) -> Iterator[Tensor]:
    """Logits [batch, classes] of images [count, channels, height, width], a batch at a time, on the model's device."""
    model.eval()
    first = next(model.parameters(), x)
    for batch in x.split(batch_size):
        yield model(batch.to(first.device))
