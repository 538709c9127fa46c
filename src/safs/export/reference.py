"""A network of the sparse form computed by PyTorch: slow, dense, and the measure of what runs fast."""

import torch
import torch.nn.functional as F
from torch import Tensor

from safs.activations import operator_named
from safs.runtime.network import Network, Node


def run_reference(network: Network, x: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """Logits [batch, classes] of normalised images [batch, channels, height, width]."""
    values = [x.to(dtype)]
    for node in network.nodes[1:]:
        values.append(_compute(node, [values[i] for i in node.inputs], dtype))
    return values[-1].flatten(1)


def _compute(node: Node, inputs: list[Tensor], dtype: torch.dtype) -> Tensor:  # noqa: PLR0911 - one a kind of node
    x, settings = inputs[0], node.settings
    dense = {name: torch.from_numpy(value).to(dtype) for name, value in node.dense.items()}
    if "padding" in settings:
        top, left, bottom, right = settings["padding"]
        filling = float("-inf") if node.op == "max_pool" else 0.0
        padded = F.pad(x, (left, right, top, bottom), value=filling)
    if node.op == "conv":
        weight = torch.from_numpy(node.sparse["weight"].dense()).to(dtype)
        stride, dilation, (groups,) = settings["stride"], settings["dilation"], settings["groups"]
        return F.conv2d(padded, weight, dense["bias"], stride=stride, dilation=dilation, groups=groups)
    if node.op == "max_pool":
        return F.max_pool2d(padded, settings["kernel"], settings["stride"])
    if node.op == "avg_pool":
        mean = F.avg_pool2d(padded, settings["kernel"], settings["stride"])
        if settings["include"] == [1]:
            return mean
        inside = F.pad(torch.ones_like(x[:1, :1]), (left, right, top, bottom))
        return mean / F.avg_pool2d(inside, settings["kernel"], settings["stride"])
    if node.op == "adaptive_avg":
        return F.adaptive_avg_pool2d(x, settings["output"])
    if node.op == "activation":
        scales = {name: value.view(1, -1, 1, 1) for name, value in dense.items()}
        return _activate(settings["operator"], x, scales)
    if node.op == "affine":
        return x * dense["scale"].view(1, -1, 1, 1) + dense["shift"].view(1, -1, 1, 1)
    if node.op == "cat":
        return torch.cat(inputs, 1)
    return x + inputs[1] if node.op == "add" else x * inputs[1]


def _activate(operator: str, x: Tensor, scales: dict[str, Tensor]) -> Tensor:
    if operator in ("sigmoid", "hardsigmoid"):
        function = torch.sigmoid if operator == "sigmoid" else F.hardsigmoid
        return scales["alpha"] * function(scales["beta"] * x)
    result: Tensor = operator_named(operator).function(x, **scales)
    return result
