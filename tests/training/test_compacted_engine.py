import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from safs.data.tensors import Batchable
from safs.pruning.making import make_masks
from safs.pruning.masks import Masks, apply_masks, masks_of
from safs.training.compacted_engine import CompactedEngine, compacted_for_training
from safs.training.score import Score, measure
from safs.training.settings import Compute, Hyperparameters
from safs.training.torch_engine import TorchEngine
from safs.training.trainer import train

SETTINGS = Hyperparameters(learning_rate=1e-3, weight_decay=0.0, batch_size=50)
CPU = Compute("auto", "cpu")


def network() -> nn.Module:
    torch.manual_seed(0)
    first = (nn.Conv2d(1, 16, 5, stride=2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, stride=2))
    return nn.Sequential(
        *first, nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(144, 64), nn.ReLU(), nn.Linear(64, 10)
    )


def compacted(model: nn.Module, training: Batchable, masks: Masks) -> CompactedEngine:
    small = compacted_for_training(model, training, masks)
    assert small is not None
    return CompactedEngine(small, training, SETTINGS, masks, CPU)


def test_a_masked_network_trains_as_it_would_at_full_size(training: Batchable, validation: Batchable):
    large = network()
    masks = make_masks(large, 0.98, "global", coverage=True, input_shape=(1, 28, 28))
    twin = copy.deepcopy(large)
    engine = compacted(twin, training, masks)
    apply_masks(large, masks)
    plain = TorchEngine(large, training, SETTINGS, masks, CPU)
    for part in torch.arange(len(training.y)).split(100):
        assert engine.epoch(part, [1.0] * 2) == pytest.approx(plain.epoch(part, [1.0] * 2), rel=1e-2)
    engine.sync()
    assert masks_of(twin).keys() == masks.keys()
    assert all(not (mask & ~masks[name]).any() for name, mask in masks_of(twin).items())
    assert engine.measure(validation).negative_loss == pytest.approx(measure(twin, validation).negative_loss, rel=1e-4)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_model_is_left_as_after_its_best_epoch(training: Batchable, validation: Batchable, device: str):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    model = network()
    masks = make_masks(model, 0.98)
    states, scores = [], []

    def on_epoch(_: int, __: float, score: Score) -> None:
        states.append(copy.deepcopy(model.state_dict()))
        scores.append(score)

    settings = Hyperparameters("sgd", 0.5, batch_size=50)  # so high a rate that the last epoch is not the best one
    compute = Compute("auto", device)
    assert train(model, training, validation, settings, 6, 0, masks, on_epoch, compute=compute) == max(scores)
    assert scores.index(max(scores)) < 5
    assert all(
        torch.equal(states[scores.index(max(scores))][name], value) for name, value in model.state_dict().items()
    )


def test_masks_can_shrink_on_the_way(training: Batchable):
    model = network()
    engine = compacted(model, training, make_masks(model, 0.97))
    masks = make_masks(model, 0.98)
    engine.mask(masks)
    engine.epoch(torch.arange(100), [1.0] * 2)
    engine.close()
    assert all(not (mask & ~masks[name]).any() for name, mask in masks_of(model).items())


def test_what_is_taken_out_does_not_depend_on_biases_that_are_trained(training: Batchable):
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 24, 5, padding=2), nn.ReLU(), nn.Conv2d(24, 24, 3, padding=1), nn.ReLU())
    model = nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    masks = make_masks(model, 0.98)
    shapes = []
    for bias in (-1.0, 1.0):  # a unit without inputs gives 0, or 1
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name.endswith("bias"):
                    parameter.fill_(bias)
        small = compacted_for_training(model, training, masks)
        assert small is not None
        shapes.append([tuple(value.shape) for value in small.model.parameters()])
    assert shapes[0] == shapes[1]


class Dropping(nn.Module):
    """Dropout as a function, which a trace freezes."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(784, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(F.dropout(F.relu(self.a(x.flatten(1))), training=self.training))


def test_a_network_whose_graph_depends_on_its_mode_is_left_alone(training: Batchable):
    model = Dropping()
    assert compacted_for_training(model, training, make_masks(model, 0.99)) is None


def test_a_network_with_little_to_remove_is_left_alone(training: Batchable):
    model = network()
    assert compacted_for_training(model, training, make_masks(model, 0.1)) is None
