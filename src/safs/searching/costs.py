"""What activations cost at inference, by the prices that the runtime measures."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from safs.activations import activation_sites
from safs.errors import SafsError
from safs.files import read_json

PENALTY = 0.02  # activations that take twice the time have to bring 2 points of accuracy


def read_prices(path: Path, operators: Iterable[str]) -> dict[str, float]:
    """Prices from a file that `safs price` wrote, perhaps on another machine.

    Args:
        path: JSON, nanoseconds by operator.
        operators: which of them are needed.

    Raises:
        SafsError: the file is missing, is no such file, or an operator has no price.
    """
    found = read_json(path)
    wrong = not isinstance(found, dict) or not all(isinstance(v, int | float) and 0 < v < 1e9 for v in found.values())
    if wrong:
        raise SafsError(f"{path} does not hold prices; make it with: safs price")
    if missing := sorted(set(operators) - set(found)):
        raise SafsError(f"{path} has no price of {', '.join(missing)}; make it again with: safs price")
    return {name: float(price) for name, price in found.items()}


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
