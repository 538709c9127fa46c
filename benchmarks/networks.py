"""Networks that benchmarks of speed start from: really trained, if shortly, then pruned."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.workshop import Workshop
from safs.activations import OPERATORS, activation_sites, set_activations
from safs.data.tensors import load_tensors
from safs.models import ModelSpec, load_model
from safs.runtime import load

TRAINING = {
    "lenet5": {"dense_epochs": 5, "batch_size": 256},
    "vgg16": {"dense_epochs": 4},
    "resnet18": {"dense_epochs": 3},
    "efficientnet_b0": {"dense_epochs": 4},
}
IMAGES = 9000  # of CIFAR-10, in all parts together
SETTLING = 512  # images that batch normalisation takes its statistics from


def trained(workshop: Workshop, architecture: str, mnist: Path, cifar10: Path) -> tuple[Path, Path]:
    """The folders of the data set and of the dense network, trained for a few epochs with one seed."""
    if architecture == "lenet5":
        data = workshop.make("prepare", dataset="mnist", data_root=str(mnist))
    else:
        data = workshop.make("prepare", dataset="cifar10", data_root=str(cifar10), max_examples=IMAGES)
    arguments = TRAINING[architecture]
    return data, workshop.make("pretrain", data=data, model=architecture, seeds=[0], **arguments)


def pruned(
    workshop: Workshop, data: Path, dense: Path, sparsity: float, scope: str, learnt: bool = False
) -> tuple[nn.Module, ModelSpec]:
    """A masked network whose batch normalisation has seen training images, as after fine-tuning.

    Args:
        learnt: give every activation site an operator drawn at random, with scales of its own for every channel.
    """
    folder = workshop.make("prune", models=dense, data=data, sparsity=sparsity, scope=scope)
    model, spec = load_model(folder / "seed-0")
    if learnt:
        draw = torch.Generator().manual_seed(0)
        names = sorted(OPERATORS)
        sites = list(activation_sites(model))
        drawn = torch.randint(len(names), (len(sites),), generator=draw).tolist()
        set_activations(model, {site: names[number] for site, number in zip(sites, drawn, strict=True)}, "channel")
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name.endswith(("alpha", "beta")):
                    parameter.copy_(0.75 + 0.5 * torch.rand(parameter.shape, generator=draw))
    settle(model, load_tensors(data, "train").x[:SETTLING])
    return model, spec


def settle(model: nn.Module, images: Tensor) -> None:
    """Give batch normalisation the statistics of the pruned network, as training would, so that the signal lives."""
    layers = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    model.train()
    with torch.no_grad():
        for some in images.split(128):
            model(some)
    model.eval()


def relative_error(path: Path, model: nn.Module, images: NDArray[np.float32]) -> tuple[float, float]:
    """Largest difference from PyTorch in float64 beside the largest logit: the runtime's, and PyTorch's own in float32."""
    x = torch.from_numpy(images)
    with torch.inference_mode():
        single, wanted = model(x).numpy(), model.double()(x.double()).numpy()
    model.float()
    largest = max(np.abs(wanted).max(), 1e-30)
    ours, theirs = (float(np.abs(found - wanted).max() / largest) for found in (load(path).predict(images), single))
    return ours, theirs
