"""Which weights lie on a path from the input to a class, for any network that runs.

The network is run once on "live" or "not": weights become their masks, inputs are 1, constants 0, activations and
normalisations pass on what they get, and every result is brought back to 0 or 1. Backwards it is the same: a gradient
above 0 means that a live path goes on from there. So a weight's gradient says whether it is on a live path, or would be
if it were left, position by position in the image. Functions are caught as they are called, so nothing is traced.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from safs.activations import Activation
from safs.pruning.masks import Masks, prunable_weights

NAMES = {
    "passed on": """relu relu6 hardtanh hardswish silu gelu elu selu celu mish softplus sigmoid hardsigmoid logsigmoid
        log_sigmoid tanh leaky_relu prelu rrelu threshold softsign tanhshrink softshrink hardshrink softmax log_softmax
        dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout batch_norm instance_norm layer_norm
        group_norm local_response_norm rms_norm normalize clamp clip clamp_min clamp_max abs neg __neg__ sqrt rsqrt
        square pow __pow__ exp expm1 log log1p erf sin cos""",
    "sum": "add __add__ __radd__ __iadd__ sub __sub__ __rsub__ __isub__ maximum minimum",
    "product": "mul __mul__ __rmul__ __imul__ div true_divide __truediv__ __itruediv__ matmul __matmul__ bmm",
    "layer": "conv1d conv2d conv3d linear",
}
KINDS = {name: kind for kind, names in NAMES.items() for name in names.split()}
Bring = Callable[[Tensor], Tensor]


class _Live(torch.autograd.Function):
    """1 where there is anything, 0 where there is nothing, forwards and backwards."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]  # noqa: ARG004
        return (gradient > 0).to(gradient.dtype)


def _live(x: Tensor) -> Tensor:
    return _Live.apply(x)  # type: ignore[no-any-return, no-untyped-call]


def _each(bring: Bring, x: Any) -> Any:
    """Bring the numbers of a function's result, or of each of its results, to what the next function takes."""
    if isinstance(x, Tensor):
        return bring(x) if x.is_floating_point() else x
    return type(x)(_each(bring, part) for part in x) if type(x) in {tuple, list} else x


def _product(function: Callable[..., Tensor], a: Any, b: Any) -> Tensor:
    """A product is live where one factor is: the other one is a constant there at the least."""
    if not isinstance(b, Tensor) or not isinstance(a, Tensor):
        return a if isinstance(a, Tensor) else b
    return function(a, torch.ones_like(b)) + function(torch.ones_like(a), b)


def _max_pool(x: Tensor, kernel: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, **other: Any) -> Tensor:
    """The mean instead of the largest, which would follow one of several paths only."""
    dimensions = x.dim() - 2
    if dilation not in {1, (1,) * dimensions}:
        pool = getattr(F, f"max_pool{dimensions}d")
        return pool(x, kernel, stride, padding, dilation, other.get("ceil_mode", False))  # type: ignore[no-any-return]
    pool = getattr(F, f"avg_pool{dimensions}d")
    return pool(x, kernel, stride, padding, other.get("ceil_mode", False))  # type: ignore[no-any-return]


@dataclass
class Flow:
    """What is live in a masked network.

    Attributes:
        covered: whether a live path reaches each class [classes].
        fed: by layer, whether a weight's input is live, be the weight left or not.
        through: by layer, whether a weight is on a live path, or would be if it were left.
    """

    covered: Tensor
    fed: Masks = field(default_factory=dict)
    through: Masks = field(default_factory=dict)


class _Catch(TorchFunctionMode):
    """Runs every function of a network on live or not live, or on shares of paths, and brings results back to them."""

    def __init__(self, names: Mapping[int, str], fed: Masks, bring: Bring) -> None:
        super().__init__()
        self.names, self.fed, self.bring = names, fed, bring

    def layer(self, function: Callable[..., Tensor], x: Tensor, weight: Tensor, *rest: Any, **other: Any) -> Tensor:
        other.pop("bias", None)
        name = self.names.get(id(weight))
        if name is None:  # a layer that is not pruned
            return function(x, torch.ones_like(weight), None, *rest[1:], **other)
        all_left = torch.ones_like(weight, requires_grad=True)
        (reached,) = torch.autograd.grad(function(x.detach(), all_left, None, *rest[1:], **other).sum(), all_left)
        self.fed[name] = self.fed.get(name, torch.zeros_like(reached, dtype=torch.bool)) | (reached > 0)
        return function(x, weight, None, *rest[1:], **other)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result: Any
        name = getattr(func, "__name__", "")
        plain = name if name.startswith("__") else name.strip("_")
        kind = KINDS.get(plain)
        if kind == "layer":
            result = self.layer(func, *args, **kwargs)
        elif kind == "passed on":
            result = args[0] if args else kwargs["input"]
        elif kind == "sum" and len(args) > 1:
            parts = [part for part in args[:2] if isinstance(part, Tensor)]
            result = parts[0] + parts[1] if len(parts) == 2 else parts[0]
        elif kind == "product" and len(args) > 1:
            matrices = plain in {"matmul", "__matmul__", "bmm"}
            result = _product(torch.matmul if matrices else torch.mul, *args[:2])
        elif plain.startswith("max_pool") and len(args) > 1:
            kwargs.pop("return_indices", None)
            result = _max_pool(*args[:5], **kwargs)
        elif plain.startswith("adaptive_max_pool"):
            result = getattr(F, plain.replace("max", "avg").removesuffix("_with_indices"))(*args[:2])
        elif plain == "multi_head_attention_forward":  # tokens [sequence, batch, features]; all of them mix
            mixed = _live(args[2].mean((0, -1), keepdim=True).expand_as(args[0]).clone())
            result = (self.layer(F.linear, mixed, args[11]), None)
        elif plain == "scaled_dot_product_attention":
            result = args[2].mean(-2, keepdim=True).expand(*args[0].shape[:-1], args[2].shape[-1])
        elif plain == "where" and len(args) == 3:
            result = args[1] + args[2]
        else:
            result = func(*args, **kwargs)
        return _each(self.bring, result)


def _run(
    model: nn.Module, values: Mapping[str, Tensor], input_shape: tuple[int, ...], bring: Bring
) -> tuple[Tensor, dict[str, Tensor], Masks]:
    """Run a copy of the network with other weights; gives its output [classes], these weights, and what is fed."""
    shared = {id(site.operator): site.operator for site in model.modules() if isinstance(site, Activation)}
    twin = copy.deepcopy(model, shared).cpu().double().eval()  # operators are constants
    weights = prunable_weights(twin)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.requires_grad_(False).zero_()
        for buffer in twin.buffers():
            if buffer.is_floating_point():
                buffer.zero_()
        for name, weight in weights.items():
            weight.copy_(values[name]).requires_grad_()
    for module in twin.modules():
        if isinstance(module, Activation):
            module.forward = bring  # type: ignore[method-assign, assignment]
    fed: Masks = {}
    with torch.enable_grad(), _Catch({id(weight): name for name, weight in weights.items()}, fed, bring):
        output = twin(torch.ones(1, *input_shape, dtype=torch.float64))
    while not isinstance(output, Tensor):
        output = next(iter(output.values())) if isinstance(output, dict) else output[0]
    return bring(output)[0], weights, fed


def flow(model: nn.Module, masks: Mapping[str, Tensor], input_shape: tuple[int, ...]) -> Flow:
    """Follow the live paths through a network.

    Args:
        model: the network; it is not changed, and its weights do not matter, only its masks do.
        masks: by parameter name; a prunable layer without one counts as it is, zeros being gone.
        input_shape: of one example, [channels, height, width] or whatever it is.

    Raises:
        Exception: whatever the network raises when it cannot be run on one example.
    """
    left = {name: masks.get(name, weight.detach() != 0) for name, weight in prunable_weights(model).items()}
    output, weights, fed = _run(model, left, input_shape, _live)
    gradients = torch.autograd.grad(output.sum(), list(weights.values()), allow_unused=True)
    found = Flow(output.detach() > 0, fed)
    for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
        found.through[name] = torch.zeros_like(weight, dtype=torch.bool) if gradient is None else gradient > 0
        found.fed.setdefault(name, torch.zeros_like(found.through[name]))
    return found


def shares_of_paths(
    model: nn.Module, values: Mapping[str, Tensor], input_shape: tuple[int, ...], target: int
) -> dict[str, Tensor]:
    """How much of all paths from the input to one class goes through each weight.

    A path counts as the product of the values on it.

    Args:
        model: the network; it is not changed.
        values: 0 or more, by parameter name, one for each prunable layer.
        input_shape: of one example.
        target: the class.
    """
    output, weights, _ = _run(model, values, input_shape, lambda x: x)
    gradients = torch.autograd.grad(output[target], list(weights.values()), allow_unused=True)
    return {
        name: torch.zeros_like(weight) if gradient is None else (gradient * weight).detach()
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
    }
