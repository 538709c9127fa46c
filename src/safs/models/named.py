"""Networks by name: our own, those of torchvision and timm, and the user's by import path."""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from torch import nn

from safs.errors import SafsError, unknown
from safs.models.efficientnet import EfficientNetB0
from safs.models.lenet import LeNet5
from safs.models.resnet import ResNet18
from safs.models.sensor_cnn import SensorCNN
from safs.models.vgg import VGG16

Shape = tuple[int, ...]
Factory = Callable[[Shape, int], nn.Module]

MODELS: Mapping[str, Factory] = {
    "lenet5": LeNet5,
    "vgg16": VGG16,
    "resnet18": ResNet18,
    "efficientnet_b0": EfficientNetB0,
    "sensor_cnn": SensorCNN,
}


def factory_of(architecture: str) -> Factory:
    """Look up what builds an architecture.

    Args:
        architecture: a name from `MODELS`, `torchvision:NAME`, `timm:NAME`, or `package.module:factory`.

    Returns:
        A function of input shape (channels, height, width) and number of classes.

    Raises:
        SafsError: nothing has that name, or what has it cannot be imported.
    """
    if architecture in MODELS:
        return MODELS[architecture]
    family, colon, name = architecture.partition(":")
    if not colon:
        error = unknown("model", architecture, MODELS)
        raise SafsError(f"{error}; or it is torchvision:NAME, timm:NAME or package.module:factory")
    if family == "torchvision":
        return _torchvision(name)
    if family == "timm":
        return _timm(name)
    return _imported(family, name)


def construct(architecture: str, input_shape: Shape, classes: int) -> nn.Module:
    """Build a network with fresh weights from torch's global generator.

    Args:
        architecture: as for `factory_of`.
        input_shape: (channels, height, width), or (channels, length) of series.
        classes: number of classes.

    Raises:
        SafsError: the architecture is unknown, or cannot be built for this shape and these classes.
    """
    factory = factory_of(architecture)
    try:
        model = factory(input_shape, classes)
    except SafsError:
        raise
    except Exception as error:
        what = f"{architecture} cannot be built for inputs {list(input_shape)} and {classes} classes"
        what += "; sensor_cnn takes series" if len(input_shape) == 2 else ""
        raise SafsError(f"{what}: {type(error).__name__}: {error}") from error
    if not isinstance(model, nn.Module):
        raise SafsError(f"{architecture} gives a {type(model).__name__}; it must give a torch.nn.Module")
    return model


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise SafsError(f"{name} cannot be imported ({error}); install it: pip install 'safs[models]'") from None


def _check_name(name: str, family: str, names: Iterable[str]) -> None:
    names = list(names)
    if name not in names:
        near = ", ".join(get_close_matches(name, names, n=3)) or ", ".join(sorted(names)[:3]) + ", ..."
        raise SafsError(f"{family} has no classification model {name!r}; it has {near}")


def _torchvision(name: str) -> Factory:
    """A classification model of torchvision, without weights."""
    models = _library("torchvision").models
    _check_name(name, "torchvision", models.list_models(module=models))

    def build(input_shape: Shape, classes: int) -> nn.Module:
        channels, height, width = input_shape
        if channels != 3:
            raise SafsError(
                f"torchvision:{name} takes images of 3 channels, these have {channels}; timm:NAME takes any number"
            )
        extra: dict[str, Any] = {}
        if name in {"googlenet", "inception_v3"}:  # truncated normal weights take scipy minutes
            extra = {"aux_logits": False, "init_weights": False}
        elif name.startswith("vit_"):
            if height != width:
                raise SafsError(f"torchvision:{name} takes square images, these are {height}x{width}")
            extra = {"image_size": height}
        elif name.startswith("maxvit"):
            extra = {"input_size": (height, width)}
        model: nn.Module = models.get_model(name, weights=None, num_classes=classes, **extra)
        return model

    return build


def _timm(name: str) -> Factory:
    """A model of timm, without weights."""
    timm = _library("timm")
    _check_name(name, "timm", timm.list_models())

    def build(input_shape: Shape, classes: int) -> nn.Module:
        channels, height, width = input_shape
        config = timm.models.get_pretrained_cfg(name)
        extra = {"img_size": (height, width)} if config is not None and config.fixed_input_size else {}
        model: nn.Module = timm.create_model(name, pretrained=False, in_chans=channels, num_classes=classes, **extra)
        return model

    return build


def _imported(module: str, name: str) -> Factory:
    """The user's own factory, called with `input_shape` and `classes`."""
    try:
        home = import_module(module)
    except ImportError as error:
        where = "install it, or name its folder in PYTHONPATH"
        raise SafsError(f"model {module}:{name}: {module!r} cannot be imported ({error}); {where}") from None
    except (ValueError, TypeError) as error:  # '' or a relative name
        raise SafsError(
            f"model {module}:{name}: {module!r} is no module ({error}); write package.module:factory"
        ) from None
    factory = getattr(sys.modules[home.__name__], name, None)
    if not callable(factory):
        public = [key for key, value in vars(home).items() if callable(value) and not key.startswith("_")]
        raise unknown(f"factory in {module}", name, public)

    def build(input_shape: Shape, classes: int) -> nn.Module:
        named = {"input_shape": input_shape, "classes": classes}
        try:
            by_name = set(named) <= set(inspect.signature(factory).parameters)
        except (ValueError, TypeError):  # a callable without a signature
            by_name = False
        model: nn.Module = factory(**named) if by_name else factory(input_shape, classes)
        return model

    return build
