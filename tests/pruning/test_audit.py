import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from safs.errors import SafsError
from safs.models import load_model
from safs.pruning.audit import audit, ceiling, class_shares
from safs.pruning.liveness import flow
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks, masks_of, prunable_weights


def mask(weight: Tensor, *places: tuple[int, ...]) -> Tensor:
    left = torch.zeros_like(weight, dtype=torch.bool)
    for place in places:
        left[place] = True
    return left


def test_paths_end_where_a_unit_has_no_input():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3))
    masks = {
        "0.weight": mask(model[0].weight, (0, 0), (1, 1)),
        "2.weight": mask(model[2].weight, (0, 0), (1, 2), (2, 0)),
    }
    found = audit(model, masks, (2,), [0.2, 0.5, 0.3])
    assert found.covered == (0, 2)
    assert found.ceiling == pytest.approx(1.0)
    assert [(layer.kept, layer.live) for layer in found.layers] == [(2, 1), (3, 2)]
    assert (found.kept, found.live, found.note) == (5, 3, "")


def test_the_ceiling_adds_the_largest_share_among_the_uncovered():
    assert ceiling([0, 2], [0.2, 0.1, 0.3, 0.4]) == pytest.approx(0.9)
    assert ceiling([], [0.25] * 4) == 0.25
    assert ceiling([0, 1], [0.5, 0.5]) == 1


def test_shares_are_counted():
    assert class_shares(torch.tensor([0, 2, 2, 2]), 4) == [0.25, 0, 0.75, 0]


class Mixed(nn.Module):
    """Residual addition, concatenation, batch norm, pooling, a gate and functions."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.norm = nn.BatchNorm2d(2)
        self.gate = nn.Conv2d(2, 2, 1)
        self.last = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.norm(self.a(x)))
        y = x + self.b(x)
        y = y * torch.sigmoid(self.gate(F.adaptive_avg_pool2d(y, 1)))
        x = torch.cat([F.max_pool2d(x, 2), F.max_pool2d(y, 2)], 1)
        return self.last(x.mean((2, 3)))


def test_additions_concatenation_and_gates_are_followed():
    model = Mixed()
    masks = {name: torch.ones_like(weight) for name, weight in masks_of(model).items()}
    masks["a.weight"] = mask(model.a.weight, (0, 0, 1, 1))  # channel 1 of a is a constant
    masks["b.weight"] = mask(model.b.weight, (1, 1, 0, 0))  # and b hands on nothing but it
    masks["gate.weight"] = mask(model.gate.weight)
    masks["last.weight"] = mask(model.last.weight, (0, 0), (1, 1), (2, 2))  # x0, x1, y0 = x0
    found = audit(model, masks, (1, 8, 8), [1 / 3] * 3)
    assert found.covered == (0, 2)
    assert [layer.live for layer in found.layers] == [1, 0, 0, 2]


def test_a_live_class_moves_with_the_input_and_another_does_not(lenet_folder):
    model = load_model(lenet_folder)[0].double()
    apply_masks(model, make_masks(model, 0.99))
    with torch.no_grad():
        for parameter in model.parameters():  # no ReLU stays shut
            parameter.abs_()
    x = torch.rand(200, 1, 28, 28, dtype=torch.float64)
    moves = model(x).std(0) > 1e-12
    found = audit(model, {}, (1, 28, 28), [0.1] * 10)
    assert found.covered == tuple(moves.nonzero().flatten().tolist())
    assert 0 < len(found.covered) < 10


def test_dead_weights_do_not_matter(lenet_folder):
    model = load_model(lenet_folder)[0]
    apply_masks(model, make_masks(model, 0.98))
    x = torch.rand(20, 1, 28, 28)
    before = model(x)
    through = flow(model, {}, (1, 28, 28)).through
    covered = audit(model, {}, (1, 28, 28), [0.1] * 10).covered
    assert covered
    spread = before.std(0)
    apply_masks(model, through)
    assert audit(model, {}, (1, 28, 28), [0.1] * 10).covered == covered
    others = [index for index in range(10) if index not in covered]
    assert torch.all(spread[others] == 0)


class Stubborn(nn.Module):
    """Wants more than one example."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        if len(x) < 2:
            raise ValueError("two at least")
        return self.fc(x)


def test_a_model_that_cannot_be_followed_says_so():
    found = audit(Stubborn(), {}, (2,), [0.5, 0.5])
    assert "ValueError: two at least" in found.note
    assert (found.live, found.kept, found.ceiling, found.covered) == (None, 4, 1.0, (0, 1))


def test_shares_must_fit_the_logits():
    with pytest.raises(SafsError, match="3 shares"):
        audit(nn.Linear(2, 2), {}, (2,), [0.3, 0.3, 0.4])


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b0", "vit_b_32", "densenet121", "googlenet"])
def test_networks_of_torchvision_are_followed_to_every_class(name):
    models = pytest.importorskip("torchvision.models")
    extra = {"googlenet": {"init_weights": False}, "vit_b_32": {"image_size": 64}}.get(name, {})
    model = models.get_model(name, weights=None, num_classes=10, **extra)
    torch.nn.init.ones_(list(prunable_weights(model).values())[-1])  # the head of a ViT begins with zeros
    side = 64
    found = audit(model, {}, (3, side, side), [0.1] * 10)
    assert found.note == ""
    assert len(found.covered) == 10
    last = [layer for layer in found.layers if not layer.name.startswith("aux")][-1]
    assert last.live == last.kept
    nothing = {next(iter(masks_of(model))): torch.zeros_like(next(iter(masks_of(model).values())))}
    assert audit(model, nothing, (3, side, side), [0.1] * 10).covered == ()
