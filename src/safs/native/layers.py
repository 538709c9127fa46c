"""Reads a model as a row of layers that the kernels know, or says which part of it they do not."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from safs.activations import Activation
from safs.errors import SafsError
from safs.native.codes import CODES


class NotLowerable(SafsError):  # noqa: N818 (it is an answer as much as an error)
    """The native kernels cannot train this model; the message names the part and the reason."""


@dataclass
class Layer:
    """A convolution or a linear layer with the pooling and the activation after it.

    Attributes:
        name: of the module in the model.
        module: the layer.
        shape: (channels, height, width) of its input; a linear layer's is (units, 1, 1).
        sums: (channels, height, width) of its output before pooling.
        pooled: whether 2x2 windows are pooled.
        site: the activation.
        site_name: its name.
        after_pool: whether it comes after the pooling.
    """

    name: str
    module: nn.Conv2d | nn.Linear
    shape: tuple[int, int, int]
    sums: tuple[int, int, int]
    pooled: bool = False
    site: Activation | None = None
    site_name: str = ""
    after_pool: bool = False

    @property
    def out(self) -> tuple[int, int, int]:
        """(channels, height, width) of what goes on."""
        channels, height, width = self.sums
        return (channels, height // 2, width // 2) if self.pooled else self.sums


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, Activation) or super().is_leaf_module(m, module_qualified_name)


def read_layers(model: nn.Module, shape: tuple[int, int, int]) -> list[Layer]:
    """The layers of a model in the order of computing.

    Args:
        model: the network.
        shape: (channels, height, width) of an image.

    Raises:
        NotLowerable: a part is not one that the kernels know.
    """
    try:
        graph = _Tracer().trace(model)
    except Exception as error:  # whatever the model's own code raises
        raise NotLowerable(f"{type(model).__name__} cannot be traced: {str(error).splitlines()[0]}") from None
    reader = _Reader(shape)
    modules = dict(model.named_modules())
    for node in graph.nodes:
        if len(node.users) > 1 or len(node.all_input_nodes) > 1:
            raise NotLowerable(f"{node.name} branches; the kernels know sequences of layers alone")
        reader.take(node, modules.get(str(node.target)) if node.op == "call_module" else None)
    owners = [id(layer.module) for layer in reader.layers]
    if not owners or len(set(owners)) != len(owners):
        raise NotLowerable("a layer is used twice" if owners else "the model has no layer with weights")
    if reader.layers[-1].out[1:] != (1, 1):
        raise NotLowerable("the model does not end in one logit for each class")
    return reader.layers


class _Reader:
    """Collects layers from the nodes of a graph."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.shape = shape
        self.layers: list[Layer] = []

    def take(self, node: fx.Node, module: nn.Module | None) -> None:
        name = str(node.target) if module is not None else node.name
        if node.op in ("placeholder", "output") or isinstance(module, nn.Identity):
            return
        if isinstance(module, nn.Dropout) and module.p == 0:
            return
        if _flattens(node, module):
            self.shape = (self.shape[0] * self.shape[1] * self.shape[2], 1, 1)
        elif isinstance(module, nn.Conv2d):
            self._convolution(name, module)
        elif isinstance(module, nn.Linear):
            if self.shape != (module.in_features, 1, 1):
                raise NotLowerable(f"{name} reads {self.shape} instead of {module.in_features} units in a row")
            self._add(Layer(name, module, self.shape, (module.out_features, 1, 1)))
        elif isinstance(module, nn.MaxPool2d):
            self._pool(name, module)
        elif isinstance(module, Activation):
            self._activate(name, module)
        elif isinstance(module, nn.ReLU):
            self._activate(name, Activation("relu"))
        else:
            kind = type(module).__name__ if module is not None else f"{node.op} {node.target}"
            raise NotLowerable(f"{name} ({kind}) is not a layer that the kernels know")

    def _add(self, layer: Layer) -> None:
        parameters = [layer.module.weight, *([layer.module.bias] if layer.module.bias is not None else [])]
        if any(p.dtype != torch.float32 or p.device.type != "cpu" or not p.requires_grad for p in parameters):
            raise NotLowerable(f"{layer.name} has parameters that are not trained float32 on the CPU")
        if min(layer.sums) < 1:
            raise NotLowerable(f"{layer.name} gets an image that is too small: {layer.shape}")
        self.layers.append(layer)
        self.shape = layer.sums

    def _convolution(self, name: str, module: nn.Conv2d) -> None:
        pads = (0, 0) if module.padding == "valid" else module.padding
        if module.groups != 1 or module.dilation != (1, 1) or pads != (0, 0):
            raise NotLowerable(f"{name} has groups, dilation or padding")
        if self.shape[0] != module.in_channels:
            raise NotLowerable(f"{name} reads {self.shape[0]} channels instead of {module.in_channels}")
        sides = [
            (side - kernel) // stride + 1
            for side, kernel, stride in zip(self.shape[1:], module.kernel_size, module.stride, strict=True)
        ]
        self._add(Layer(name, module, self.shape, (module.out_channels, sides[0], sides[1])))

    def _last(self, name: str) -> Layer:
        if not self.layers:
            raise NotLowerable(f"{name} comes before the first layer with weights")
        return self.layers[-1]

    def _pool(self, name: str, module: nn.MaxPool2d) -> None:
        layer = self._last(name)
        plain = [_pair(v) for v in (module.kernel_size, module.stride, module.padding, module.dilation)]
        if plain != [(2, 2), (2, 2), (0, 0), (1, 1)] or module.ceil_mode or module.return_indices:
            raise NotLowerable(f"{name} pools otherwise than by windows of 2x2")
        if layer.pooled or layer.sums != self.shape or min(self.shape[1:]) < 2:
            raise NotLowerable(f"{name} does not follow a convolution and its activation")
        layer.pooled = True
        self.shape = layer.out

    def _activate(self, name: str, site: Activation) -> None:
        layer = self._last(name)
        if site.operator.name not in CODES:
            raise NotLowerable(f"{name} has the operator {site.operator.name!r}, which the kernels do not know")
        if layer.site is not None or layer.out != self.shape:
            raise NotLowerable(f"{name} does not follow a layer with weights")
        if site.scales == "channel" and (site.axis not in (1, 1 - len(self.shape)) or site.channels != layer.sums[0]):
            raise NotLowerable(f"{name} scales something else than the channels of {layer.name}")
        layer.site, layer.site_name, layer.after_pool = site, name, layer.pooled


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _flattens(node: fx.Node, module: nn.Module | None) -> bool:
    if isinstance(module, nn.Flatten):
        return module.start_dim == 1 and module.end_dim == -1
    functions: tuple[Callable[..., Any] | str, ...] = (torch.flatten, "flatten")
    return node.target in functions and tuple(node.args[1:]) == (1,) and not operator.truth(node.kwargs)
