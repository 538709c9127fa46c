import torch
from torch import nn

from safs.models import load_model
from safs.models.lenet import LeNet5
from safs.pruning.masks import apply_masks, masks_of, prunable_weights, weights_left


def test_weights_of_convolutions_and_linear_layers_can_be_pruned():
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2), nn.Flatten(), nn.Sequential(nn.Linear(4, 2)))
    assert list(prunable_weights(model)) == ["0.weight", "3.0.weight"]


def test_a_lone_layer_can_be_pruned():
    layer = nn.Linear(2, 2)
    assert prunable_weights(layer) == {"weight": layer.weight}


def test_names_are_those_of_the_parameters():
    model = LeNet5((1, 28, 28), 10)
    parameters = dict(model.named_parameters())
    assert list(prunable_weights(model)) == [f"{name}.weight" for name in ("conv1", "conv2", "fc1", "fc2", "fc3")]
    assert all(parameters[name] is weight for name, weight in prunable_weights(model).items())


def test_masks_are_applied_and_read_back(lenet_folder):
    model, _ = load_model(lenet_folder)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    random = torch.Generator().manual_seed(0)
    masks = {name: torch.rand(w.shape, generator=random) < 0.3 for name, w in prunable_weights(model).items()}
    apply_masks(model, masks)
    for name, parameter in model.named_parameters():
        expected = before[name] * masks[name] if name in masks else before[name]
        assert torch.equal(parameter, expected)
    assert all(torch.equal(mask, masks[name]) for name, mask in masks_of(model).items())


def test_masks_can_be_applied_to_some_layers(lenet_folder):
    model, _ = load_model(lenet_folder)
    apply_masks(model, {"fc2.weight": torch.zeros(84, 120, dtype=torch.bool)})
    assert weights_left(model) == (44_190 - 84 * 120, 44_190)


def test_a_mask_read_from_a_model_does_not_follow_it(lenet_folder):
    model, _ = load_model(lenet_folder)
    masks = masks_of(model)
    with torch.no_grad():
        model.fc1.weight.zero_()
    assert masks["fc1.weight"].all()


def test_weights_left_counts_what_is_not_zero(sparse_folder):
    model, _ = load_model(sparse_folder)
    left, total = weights_left(model)
    assert total == 150 + 2_400 + 30_720 + 10_080 + 840
    assert left == sum(int(mask.sum()) for mask in masks_of(model).values()) < total
