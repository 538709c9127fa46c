"""The hyperparameters of a training."""

from dataclasses import dataclass
from typing import Literal

Optimizer = Literal["adam", "adamw", "sgd"]
Schedule = Literal["constant", "cosine", "linear", "step"]


@dataclass(frozen=True)
class Hyperparameters:
    """How weights are learnt; the defaults train LeNet-5 densely (arXiv:2305.10964: Adam 1e-3, decay 5e-4).

    Attributes:
        optimizer: adam, adamw or sgd.
        learning_rate: at the start, above 0.
        weight_decay: L2 penalty on all but activation scales, 0 or more.
        batch_size: images a step, at least 1.
        momentum: of sgd, in [0, 1).
        schedule: how the learning rate falls over the training.
        scale_rate: the activation scales' learning rate as a multiple of `learning_rate`.
    """

    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 5e-4
    batch_size: int = 64
    momentum: float = 0.9
    schedule: Schedule = "constant"
    scale_rate: float = 1.0
