import numpy as np
import pytest
import torch
from torch import nn

from safs.export.checking import evaluated, relative_error
from safs.export.tracing import trace
from safs.runtime.costs import Costs, Schedule, waists
from safs.runtime.fusing import plan
from safs.runtime.lanes import LONGEST, WIDTH
from safs.runtime.layout import LEAST_RUN, families
from safs.runtime.lowering import lower
from safs.runtime.model import Prepared
from safs.runtime.planes import Cover
from safs.runtime.rules import shapes_of
from tests.export.exported_networks import randomise, spec_of

NARROWEST = (LEAST_RUN - 1) * WIDTH + 1


class Block(nn.Module):
    """Convolutions of one size with a sum and an activation, and one with a stride or a pooling behind them."""

    def __init__(self, kernel, padding, after):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 6, kernel, padding=padding)
        self.conv2, self.conv3 = (nn.Conv2d(6, 6, 3, padding=1) for _ in range(2))
        self.after, self.conv4 = after, nn.Conv2d(6, 6, 3, padding=1)
        self.softplus, self.mish = nn.Softplus(), nn.Mish()

    def forward(self, x):
        y = torch.relu(self.conv1(x))
        y = self.mish(self.conv3(torch.relu(self.conv2(y))) + y)
        y = self.softplus(self.after(torch.sigmoid(y) * y))
        return torch.relu(self.conv4(y)).mean((2, 3))


def planned(model, spec):
    network = trace(model, spec)
    return plan(network, shapes_of(network))


def error(model, spec, found, schedule, images):
    x = torch.randn(images, *spec.input_shape, generator=torch.Generator().manual_seed(0))
    logits = np.empty((images, 6), np.float32)
    prepared = Prepared(lower(found, schedule), spec.input_shape, 6)
    for _ in range(2):  # the second time finds what the first has left
        prepared(x.numpy(), logits)
    return relative_error(logits, evaluated(model, x))


AFTER = {
    "stride": lambda: nn.Conv2d(6, 6, 3, stride=2, padding=1),
    "wide stride": lambda: nn.Conv2d(6, 6, 5, stride=3, padding=2),
    "stride down": lambda: nn.Conv2d(6, 6, 3, stride=(2, 1), padding=1),
    "pooling": lambda: nn.MaxPool2d(2),
    "overlapping": lambda: nn.MaxPool2d(3, 2, 1),
    "means": lambda: nn.AvgPool2d(3, 1, 1),
    "parts": lambda: nn.AdaptiveAvgPool2d(5),
}


@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize(("kernel", "padding"), [(3, 1), (4, 0), ((1, 7), (0, 3))])
@pytest.mark.parametrize("width", [3 * WIDTH, 4 * WIDTH - 2, 4 * WIDTH, 8 * WIDTH - 3, (LONGEST + 2) * WIDTH])
def test_folded_rows_give_what_the_model_gives(width, kernel, padding, after):
    model, spec = randomise(Block(kernel, padding, AFTER[after]()), 0, 0.2), spec_of((2, 7, width), 6)
    found = planned(model, spec)
    run = families(found).of(found.groups[1].end).run
    assert (run >= LEAST_RUN) == (
        after != "wide stride" or width not in (4 * WIDTH - 2, 4 * WIDTH)
    )  # 6 columns a lane are too many for them
    assert error(model, spec, found, Schedule(1, 0, 0.0, 0.0), 1) < 1e-5
    for alone in (at for at, waist in enumerate(waists(found)) if waist):  # lanes are given to images on the way
        for images in (1, WIDTH - 1, WIDTH, 2 * WIDTH):
            assert error(model, spec, found, Schedule(2 * WIDTH, alone, 0.0, 0.0), images) < 1e-5


@pytest.mark.parametrize(("width", "sparsity"), [(NARROWEST - 1, 0.0), (3 * WIDTH, 0.99)])
def test_narrow_rows_and_those_with_few_nonzeros_are_not_folded(width, sparsity):
    found = planned(randomise(Block(3, 1, AFTER["stride"]()), 0, sparsity), spec_of((2, 7, width), 6))
    assert families(found).of(found.groups[1].end).run == 0


def test_rows_that_a_stride_connects_are_folded_alike():
    strides = [nn.Conv2d(6 if at else 2, 6, 3, stride=2, padding=1) for at in range(3)]
    model = randomise(nn.Sequential(*strides, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 0, 0.0)
    found = planned(model, spec_of((2, 7, 28 * WIDTH), 6))  # as images of 224, 112, 56 and 28 pixels
    measures = families(found)
    assert [measures.of(group.end).run for group in found.groups[:4]] == [32, 16, 8, 4]


def test_folding_makes_convolutions_cheaper():
    sizes = [nn.Conv2d(6, 6, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    costs = [
        Costs(planned(randomise(nn.Sequential(*sizes), 0, 0.0), spec_of((6, 40, width), 6))).of(1, 1)
        for width in (NARROWEST - 1, NARROWEST + WIDTH - 1)
    ]
    assert costs[1] / costs[0] < (NARROWEST + WIDTH - 1) / (NARROWEST - 1)


@pytest.mark.parametrize(
    ("cover", "strip", "count"),
    [
        (Cover(1, 2 * LONGEST + 1, 0), (1, 9 if LONGEST == 12 else 11), 3),
        (Cover(5, LONGEST, 0), (1, LONGEST), 5),
        (Cover(5, LONGEST // 4, 0), (3, LONGEST // 4), 2),
        (Cover(5, LONGEST + 1, 0), (1, LONGEST // 2 + 1), 10),
        (Cover(5, 1, 0), (1, 1), 5),
    ],
)
def test_strips_are_alike_and_as_few_as_can_be(cover, strip, count):
    assert (cover.strips(LONGEST), cover.count(LONGEST)) == (strip, count)
