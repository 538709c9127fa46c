import pytest
import torch

from safs.errors import SafsError
from safs.models.lenet import LeNet5


def test_it_has_the_parameters_of_the_paper():
    assert sum(parameter.numel() for parameter in LeNet5((1, 28, 28), 10).parameters()) == 44_426


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 16, 16), (2, 17, 40)])
@pytest.mark.parametrize("classes", [2, 10])
def test_it_maps_images_of_any_size_to_logits(shape: tuple[int, int, int], classes: int):
    assert LeNet5(shape, classes)(torch.zeros(3, *shape)).shape == (3, classes)


@pytest.mark.parametrize("shape", [(1, 15, 28), (1, 28, 15), (1, 8, 8), (1, -28, 28)])
def test_images_that_are_too_small_are_refused(shape: tuple[int, int, int]):
    with pytest.raises(SafsError, match=f"at least 16x16 pixels, these are {shape[1]}x{shape[2]}"):
        LeNet5(shape, 10)


def test_every_activation_is_used():
    model = LeNet5((1, 16, 16), 2)
    seen = []
    for site in (model.act1, model.act2, model.act3, model.act4):
        site.register_forward_hook(lambda module, *_: seen.append(module))
    model(torch.zeros(1, 1, 16, 16))
    assert seen == [model.act1, model.act2, model.act3, model.act4]
