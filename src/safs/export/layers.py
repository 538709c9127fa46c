"""How each kind of layer is written down: one entry of `LAYERS` a class."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
from torch import Tensor, nn

from safs.activations import Activation
from safs.errors import NotCoveredError
from safs.export.draft import Doubles, Draft, Step, Value
from safs.export.folding import norm_scales
from safs.runtime.rules import SCALES

Converter = Callable[[Draft, str, Any, Value], Value]


def refuse(name: str, why: str) -> NotCoveredError:
    """The error for a layer that the sparse form does not cover."""
    return NotCoveredError(f"layer {name!r} cannot be exported: {why}")


def doubles(tensor: Tensor) -> Doubles:
    """A tensor as float64 on the CPU."""
    return tensor.detach().double().cpu().numpy()


def pair(draft: Draft, value: Any, along: int) -> list[int]:
    """A setting for height and width; a one-dimensional layer has only a width, and `along` stands for the height."""
    values = [int(v) for v in value] if isinstance(value, tuple | list) else [int(value)]
    if draft.signal:
        return [along, values[0]]
    return values if len(values) == 2 else values * 2


def plain(draft: Draft, name: str, value: Value) -> None:
    """Refuse a value that has been flattened where its planes are needed.

    Raises:
        NotCoveredError: it has.
    """
    if value.flat and draft.shape(value)[1:] != (1, 1):
        raise refuse(name, "it works on a flattened image, and only linear layers may")


def conv(draft: Draft, name: str, layer: nn.Conv2d | nn.Conv1d, value: Value) -> Value:
    """A convolution of one or two dimensions, with stride, padding, dilation and groups."""
    plain(draft, name, value)
    if layer.padding_mode != "zeros":
        raise refuse(name, f"its padding mode is {layer.padding_mode!r}; only zeros are covered")
    weight = doubles(layer.weight)
    weight = weight[:, :, None] if weight.ndim == 3 else weight
    dilation = pair(draft, layer.dilation, 1)
    reach = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    if layer.padding == "same":
        padding = [r // 2 for r in reach] + [r - r // 2 for r in reach]
    else:
        padding = 2 * ([0, 0] if isinstance(layer.padding, str) else pair(draft, layer.padding, 0))
    bias = doubles(layer.bias) if layer.bias is not None else np.zeros(len(weight))
    settings = {
        "stride": pair(draft, layer.stride, 1),
        "padding": padding,
        "dilation": dilation,
        "groups": [layer.groups],
    }
    return draft.add(Step("conv", [value.index], name, settings, {"weight": weight}, {"bias": bias}))


def linear(draft: Draft, name: str, layer: nn.Linear, value: Value) -> Value:
    """A linear layer is a convolution whose window is the whole image."""
    channels, height, width = draft.shape(value)
    if not value.flat:
        raise refuse(name, "it works along the last axis of an image; flatten the image first")
    if layer.in_features != channels * height * width:
        raise refuse(name, f"it takes {layer.in_features} features and gets {channels * height * width}")
    weight = doubles(layer.weight).reshape(-1, channels, height, width)
    bias = doubles(layer.bias) if layer.bias is not None else np.zeros(len(weight))
    settings = {"stride": [1, 1], "padding": [0, 0, 0, 0], "dilation": [1, 1], "groups": [1]}
    return draft.add(Step("conv", [value.index], name, settings, {"weight": weight}, {"bias": bias}), flat=True)


def norm(draft: Draft, name: str, layer: nn.BatchNorm2d | nn.BatchNorm1d, value: Value) -> Value:
    """Batch normalisation with the statistics of the training."""
    plain(draft, name, value)
    if layer.running_mean is None or layer.running_var is None:
        raise refuse(name, "it keeps no running statistics")
    weight, bias = (None if p is None else doubles(cast(Tensor, p)) for p in (layer.weight, layer.bias))
    dense = norm_scales(doubles(layer.running_mean), doubles(layer.running_var), weight, bias, layer.eps)
    return draft.add(Step("affine", [value.index], name, {}, {}, dense), value.flat)


def pool(draft: Draft, name: str, layer: Any, value: Value) -> Value:
    """Maximum or mean over a sliding window; the settings are those of torch's layers."""
    plain(draft, name, value)
    kernel = pair(draft, layer.kernel_size, 1)
    stride = pair(draft, layer.stride, 1) if layer.stride else kernel
    padding = 2 * pair(draft, layer.padding, 0)
    average = isinstance(layer, nn.AvgPool2d | nn.AvgPool1d)
    if any(d != 1 for d in pair(draft, getattr(layer, "dilation", 1), 1)):
        raise refuse(name, "its dilation is not 1")
    if getattr(layer, "divisor_override", None) is not None:
        raise refuse(name, "it has a divisor of its own")
    if getattr(layer, "return_indices", False):
        raise refuse(name, "it returns indices")
    if layer.ceil_mode:
        for axis, side in enumerate(draft.shape(value)[1:]):
            before, step = padding[axis], stride[axis]
            rest = side + 2 * before - kernel[axis]
            more = -rest % step
            if more and (rest // step + 1) * step < side + before:  # torch lets no window start beyond the image
                if average:
                    raise refuse(name, "it is a mean with ceil_mode that reaches over the edge")
                padding[axis + 2] += more
    settings: dict[str, Any] = {"kernel": kernel, "stride": stride, "padding": padding}
    if average:
        settings["include"] = [int(layer.count_include_pad)]
    return draft.add(Step("avg_pool" if average else "max_pool", [value.index], name, settings))


def adaptive(draft: Draft, name: str, layer: Any, value: Value) -> Value:
    """Maximum or mean over parts of the image."""
    plain(draft, name, value)
    size = layer.output_size
    wanted = list(size) if isinstance(size, tuple | list) else [size] * (1 if draft.signal else 2)
    sides = draft.shape(value)[1:]
    wanted = [1, *wanted] if draft.signal else wanted
    output = [int(side if want is None else want) for want, side in zip(wanted, sides, strict=True)]
    if isinstance(layer, nn.AdaptiveAvgPool2d | nn.AdaptiveAvgPool1d):
        return draft.add(Step("adaptive_avg", [value.index], name, {"output": output}))
    if any(side % want for want, side in zip(output, sides, strict=True)):
        raise refuse(name, f"it is a maximum over {output} parts of {list(sides)}, which are not equally large")
    kernel = [side // want for want, side in zip(output, sides, strict=True)]
    return draft.add(Step("max_pool", [value.index], name, {"kernel": kernel, "stride": kernel, "padding": [0] * 4}))


def activation(draft: Draft, name: str, layer: Activation, value: Value) -> Value:
    """An activation site, with its scales."""
    scales = {key: np.atleast_1d(np.float64(number)) for key, number in layer.operator.scales.items()}
    if layer.scales != "fixed":
        scales = {key: doubles(parameter).reshape(-1) for key, parameter in layer.named_parameters()}
    if layer.scales == "channel":
        rank = 2 if value.flat else (3 if draft.signal else 4)
        if layer.axis % rank != 1:
            raise refuse(name, f"its channels are on axis {layer.axis}, not 1")
        if any(len(scale) > 1 for scale in scales.values()):
            plain(draft, name, value)
    return apply(draft, name, layer.operator.name, value, scales)


def apply(draft: Draft, name: str, operator: str, value: Value, scales: Mapping[str, Doubles] | None = None) -> Value:
    """An operator; where no scales are given, alpha and beta are 1."""
    given = scales or dict.fromkeys(SCALES[operator], np.ones(1))
    dense = {key: given.get(key, np.ones(1)) for key in SCALES[operator]}
    return draft.add(Step("activation", [value.index], name, {"operator": operator}, {}, dense), value.flat)


def same(draft: Draft, name: str, layer: nn.Module, value: Value) -> Value:  # noqa: ARG001
    """A layer that does nothing once the network is trained."""
    return value


def flatten(draft: Draft, name: str, layer: nn.Flatten, value: Value) -> Value:  # noqa: ARG001
    """[batch, channels, height, width] to [batch, features]."""
    if layer.start_dim != 1 or layer.end_dim != -1:
        raise refuse(name, "it flattens other axes than all after the batch")
    return Value(value.index, flat=True)


_DEFAULTS: Mapping[type[nn.Module], dict[str, Any]] = {
    nn.ELU: {"alpha": 1.0},
    nn.GELU: {"approximate": "none"},
    nn.Hardtanh: {"min_val": -1.0, "max_val": 1.0},
    nn.Softplus: {"beta": 1.0},
}


def builtin(operator: str) -> Converter:
    """One of torch's own activations, with its default settings."""

    def convert(draft: Draft, name: str, layer: nn.Module, value: Value) -> Value:
        for setting, default in _DEFAULTS.get(type(layer), {}).items():
            if getattr(layer, setting) != default:
                raise refuse(name, f"its {setting} is {getattr(layer, setting)}; only {default} is covered")
        return apply(draft, name, operator, value)

    return convert


def leaky(draft: Draft, name: str, layer: nn.LeakyReLU, value: Value) -> Value:
    """A leaky ReLU is an srelu with another slope below 0."""
    slopes = {"t_l": 0.0, "a_l": layer.negative_slope, "t_r": 1.0, "a_r": 1.0}
    return apply(draft, name, "srelu", value, {key: np.full(1, slope) for key, slope in slopes.items()})


_BUILTIN: Mapping[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.SiLU: "swish",
    nn.Hardswish: "hardswish",
    nn.GELU: "gelu",
    nn.ELU: "elu",
    nn.SELU: "selu",
    nn.Mish: "mish",
    nn.Tanh: "tanh",
    nn.Hardtanh: "hardtanh",
    nn.Softplus: "softplus",
    nn.LogSigmoid: "logsigmoid",
    nn.Sigmoid: "sigmoid",
    nn.Hardsigmoid: "hardsigmoid",
}

LAYERS: Mapping[type[nn.Module], Converter] = {
    **dict.fromkeys((nn.Conv1d, nn.Conv2d), conv),
    nn.Linear: linear,
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), norm),
    **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d), pool),
    **dict.fromkeys((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d), adaptive),
    Activation: activation,
    nn.LeakyReLU: leaky,
    **dict.fromkeys((nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout), same),
    nn.Flatten: flatten,
    **{kind: builtin(operator) for kind, operator in _BUILTIN.items()},
}
