"""The hyperparameters of a training, and what computes it."""

from dataclasses import dataclass
from typing import Literal

Optimizer = Literal["adam", "adamw", "sgd"]
Schedule = Literal["constant", "cosine", "linear", "step"]
Backend = Literal["auto", "torch", "native"]
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["float32", "bfloat16"]


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


@dataclass(frozen=True)
class Compute:
    """What computes a training; it changes the time a training takes, and its result by rounding alone.

    Attributes:
        backend: torch, native (compiled kernels for sparse networks on the CPU), or auto: native where it can.
        device: cpu, cuda, or auto: cuda if there is one.
        precision: float32, or bfloat16 for automatic mixed precision.
        compile: train through `torch.compile`; pays for large networks on a GPU.
    """

    backend: Backend = "auto"
    device: Device = "auto"
    precision: Precision = "float32"
    compile: bool = False
