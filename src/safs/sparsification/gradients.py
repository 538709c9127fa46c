"""Gradients of the loss, for criteria that need them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from safs.data.tensors import Batchable
from safs.pruning.masks import prunable_weights

IMAGES = 2048  # as many tell the large gradients from the small ones
BATCH = 128


def loss_gradients(model: nn.Module, training: Batchable, seed: int) -> dict[str, Tensor]:
    """How strongly the loss depends on each prunable weight: the root mean square of its gradient over batches.

    The mean itself is near zero in a network that has been trained (Molchanov et al. 2019, arXiv:1906.10771).

    Args:
        model: the network; only its evaluation mode is set.
        training: where images are drawn from.
        seed: decides which ones.

    Returns:
        By parameter name, in the shapes of the weights, 0 or more.
    """
    weights = prunable_weights(model)
    model.eval()
    place = next(iter(weights.values())).device
    chosen = torch.randperm(len(training.y), generator=torch.Generator().manual_seed(seed))[:IMAGES]
    batches = chosen.split(BATCH)
    squares = [torch.zeros_like(weight) for weight in weights.values()]
    for batch in batches:
        loss = F.cross_entropy(model(training.x[batch].to(place)), training.y[batch].to(place))
        gradients = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
        for square, gradient in zip(squares, gradients, strict=True):
            if gradient is not None:
                square.addcmul_(gradient, gradient, value=1 / len(batches))
    return {name: square.sqrt() for name, square in zip(weights, squares, strict=True)}
