import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from safs.errors import SafsError
from safs.models import fresh_model, load_model
from safs.models.folder import ModelSpec
from safs.pruning.audit import audit
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks
from safs.pruning.scopes import RESCORED

SCOPES = ("layerwise", *RESCORED)
LENET, SHARES = (1, 28, 28), [0.1] * 10


def small(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    convolutions = (nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4))
    return nn.Sequential(*convolutions, nn.ReLU(), nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 5))


@pytest.mark.parametrize("seed", range(3))
def test_lenet_at_99_percent_layerwise_covers_as_many_classes_as_fc3_has_weights(seed: int):
    spec = ModelSpec("lenet5", LENET, tuple("0123456789"), (0.0,), (1.0,), seed=seed)
    model = fresh_model(spec)
    plain = audit(model, make_masks(model, 0.99), LENET, SHARES)
    masks = make_masks(model, 0.99, coverage=True, input_shape=LENET)
    found = audit(model, masks, LENET, SHARES)
    assert [layer.kept for layer in found.layers] == [2, 24, 307, 101, 8]
    assert len(plain.covered) < len(found.covered) == 8
    assert found.ceiling == pytest.approx(0.9)
    assert found.kept == 442
    assert found.live is not None
    assert found.live > 380  # few live units on both sides of a layer leave no place for more


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.3, 0.97), st.sampled_from(SCOPES))
def test_coverage_keeps_the_counts_and_never_lowers_the_covered_classes(seed: int, sparsity: float, scope: str):
    model = small(seed)
    plain = make_masks(model, sparsity, scope)
    masks = make_masks(model, sparsity, scope, coverage=True, input_shape=(2, 8, 8))
    if scope in {"layerwise", "erk"}:
        assert {n: int(m.sum()) for n, m in masks.items()} == {n: int(m.sum()) for n, m in plain.items()}
    assert sum(int(m.sum()) for m in masks.values()) == sum(int(m.sum()) for m in plain.values())
    before, after = (audit(model, chosen, (2, 8, 8), [0.2] * 5) for chosen in (plain, masks))
    assert set(after.covered) >= set(before.covered)
    assert after.live is not None
    assert before.live is not None
    assert after.live >= min(before.live, after.kept)
    again = make_masks(model, sparsity, scope, coverage=True, input_shape=(2, 8, 8))
    assert all(torch.equal(mask, again[name]) for name, mask in masks.items())


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from(SCOPES), st.booleans())
def test_masks_only_shrink_when_a_network_is_pruned_again_and_again(seed: int, scope: str, coverage: bool):
    model = small(seed)
    gone = None
    for sparsity in (0.3, 0.6, 0.85, 0.93):
        masks = make_masks(model, sparsity, scope, coverage=coverage, input_shape=(2, 8, 8))
        apply_masks(model, masks)
        if gone is not None:
            assert all(not (masks[name] & gone[name]).any() for name in masks)
        gone = {name: ~mask for name, mask in masks.items()}


def test_ignored_layers_are_left_whole(lenet_folder):
    model = load_model(lenet_folder)[0]
    masks = make_masks(model, 0.99, coverage=True, ignore=["fc3"], input_shape=LENET)
    assert "fc3.weight" not in masks
    assert len(audit(model, masks, LENET, SHARES).covered) == 10


def test_a_layer_that_lost_every_weight_is_given_some(lenet_folder):
    model = load_model(lenet_folder)[0]
    with torch.no_grad():
        model.fc2.weight.mul_(1e-6)  # global pruning leaves it nothing
    assert audit(model, make_masks(model, 0.9, "global"), LENET, SHARES).covered == ()
    masks = make_masks(model, 0.9, "global", coverage=True, input_shape=LENET)
    assert len(audit(model, masks, LENET, SHARES).covered) == 10
    assert sum(int(mask.sum()) for mask in masks.values()) == 4_419


def test_the_shape_of_an_example_is_needed(lenet_folder):
    with pytest.raises(SafsError, match="input_shape"):
        make_masks(load_model(lenet_folder)[0], 0.99, coverage=True)
