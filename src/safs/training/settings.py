"""The hyperparameters of a training, and what computes it."""

from dataclasses import dataclass
from typing import Literal

Optimizer = Literal["adam", "adamw", "sgd"]
Schedule = Literal["constant", "cosine", "restarts", "linear", "step", "plateau"]
Augment = Literal["none", "crop-flip"]
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
        warmup: the first part of the training, in [0, 1), in which the learning rate rises from zero.
        label_smoothing: what the targets give to all classes alike, in [0, 1).
        clip_norm: the largest norm of all gradients together; 0 does not clip.
        augment: none, or crop-flip: random crops with 4 pixels of padding, and horizontal flips.
        patience: epochs without a better validation score after which a training ends; 0 never ends it early.
        alpha: what the activations' learnt outer scales start from, as a multiple of their operators' own values.
        beta: the same of the inner scales.
    """

    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 5e-4
    batch_size: int = 64
    momentum: float = 0.9
    schedule: Schedule = "constant"
    scale_rate: float = 1.0
    warmup: float = 0.0
    label_smoothing: float = 0.0
    clip_norm: float = 0.0
    augment: Augment = "none"
    patience: int = 0
    alpha: float = 1.0
    beta: float = 1.0


@dataclass(frozen=True)
class Compute:
    """What computes a training; it changes the time a training takes, and its result by rounding alone.

    Attributes:
        backend: torch, native (compiled kernels for sparse networks on the CPU), or auto: native where it can.
        device: cpu, cuda, or auto: cuda if there is one, and the backend is not native.
        precision: float32, with convolutions in TF32 on a GPU unless `torch.backends.cudnn.allow_tf32` is turned off; or
            bfloat16 for automatic mixed precision.
        compile: train through `torch.compile`, which first takes tens of seconds for a network like ResNet-18.
    """

    backend: Backend = "auto"
    device: Device = "auto"
    precision: Precision = "float32"
    compile: bool = False
