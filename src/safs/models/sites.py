"""A network by name, with its activation sites."""

from torch import Tensor, nn, zeros

from safs.activations import activation_sites, exclude_sites, expose_sites, unseen
from safs.activations.observe import evaluating
from safs.errors import SafsError
from safs.models.named import Shape, construct


def with_sites(architecture: str, input_shape: Shape, classes: int, excluded: tuple[str, ...] = ()) -> nn.Module:
    """Build a network whose activation calls are sites: its own `Activation` modules, or else those that are found.

    Args:
        architecture: a name from `MODELS`, `torchvision:NAME`, `timm:NAME` or `package.module:factory`.
        input_shape: (channels, height, width).
        classes: number of classes.
        excluded: patterns (fnmatch) of the names of activations that are no sites.

    Raises:
        SafsError: the architecture is unknown, does not fit the images or the classes, or has no site.
    """
    model = construct(architecture, input_shape, classes)
    if activation_sites(model):
        exclude_sites(model, excluded)
    else:
        model = expose_sites(model, input_shape, excluded)
        with evaluating(model):
            output = model(zeros(1, *input_shape))
        if not isinstance(output, Tensor) or output.shape != (1, classes):
            what = list(output.shape) if isinstance(output, Tensor) else f"a {type(output).__name__}"
            raise SafsError(f"{architecture} gives {what} for one image; it must give logits [1, {classes}]")
    if not activation_sites(model):
        reasons = "; ".join(f"{name}: {why}" for name, why in unseen(model).items())
        raise SafsError(
            f"{architecture} has no activation sites (excluded are {list(excluded)}; {reasons or 'none left'})"
        )
    return model
