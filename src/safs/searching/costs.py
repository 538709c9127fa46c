"""What activations cost at inference, measured on the CPU of this machine."""

import time
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from safs.activations import activation_sites, operator_named
from safs.searching.trial import one_thread

ELEMENTS = 65_536
REPEATS = 15
PENALTY = 0.02  # activations that take twice the time have to bring 2 points of accuracy


@torch.no_grad()
def operator_costs(operators: Iterable[str]) -> dict[str, float]:
    """Nanoseconds an element, on one thread: the quickest of several runs over a tensor that fits the cache.

    Raises:
        SafsError: an operator is unknown.
    """
    x = torch.randn(ELEMENTS, generator=torch.Generator().manual_seed(0))
    costs = {}
    with one_thread():
        for name in operators:
            operator = operator_named(name)
            times = []
            for _ in range(REPEATS):
                started = time.perf_counter()
                operator.function(x, **operator.scales)
                times.append(time.perf_counter() - started)
            costs[name] = min(times) / ELEMENTS * 1e9
    return costs


@torch.no_grad()
def site_sizes(model: nn.Module, example: Tensor) -> dict[str, int]:
    """How many numbers each activation site handles for one image.

    Args:
        model: a network with activation sites; it is left as it was.
        example: one image, [1, channels, height, width].
    """
    sizes = dict.fromkeys(activation_sites(model), 0)
    hooks = []
    for name, site in activation_sites(model).items():

        def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor, name: str = name) -> None:  # noqa: ARG001
            sizes[name] += output.numel()

        hooks.append(site.register_forward_hook(count))
    training = model.training
    try:
        model.eval()(example)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return sizes


def candidate_cost(activations: Mapping[str, str], sizes: Mapping[str, int], costs: Mapping[str, float]) -> float:
    """Nanoseconds that a candidate's activations take for one image."""
    return sum(sizes[site] * costs[operator] for site, operator in activations.items())


def pareto_front(accuracies: Sequence[float], costs: Sequence[float]) -> list[int]:
    """The indices that no other beats in both, by rising cost; of equals the first.

    Example:
        >>> pareto_front([0.9, 0.8, 0.95, 0.85], [1.0, 2.0, 3.0, 0.5])
        [3, 0, 2]
    """
    front: list[int] = []
    for index in sorted(range(len(costs)), key=lambda i: (costs[i], -accuracies[i], i)):
        if not front or accuracies[index] > accuracies[front[-1]]:
            front.append(index)
    return front
