import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from safs.errors import SafsError
from safs.models import load_model
from safs.pruning.making import make_masks
from safs.pruning.masks import Masks, apply_masks
from safs.pruning.scopes import RESCORED, keep_largest, lamp

SCOPES = ("layerwise", *RESCORED)
SPARSITIES = (0.0, 0.1, 0.5, 0.9, 0.99, 0.999)


def left(masks: Masks) -> dict[str, int]:
    return {name: int(mask.sum()) for name, mask in masks.items()}


@pytest.fixture(scope="module")
def dense(lenet_folder) -> nn.Module:
    return load_model(lenet_folder)[0]


@pytest.mark.parametrize("scope", SCOPES)
class TestEveryScope:
    @pytest.mark.parametrize("sparsity", SPARSITIES)
    def test_exactly_as_many_weights_go_as_were_asked(self, dense: nn.Module, scope: str, sparsity: float):
        masks = make_masks(dense, sparsity, scope)
        if scope != "layerwise":
            total = sum(mask.numel() for mask in masks.values())
            assert sum(left(masks).values()) == total - round(sparsity * total)
        else:
            assert left(masks) == {n: m.numel() - round(sparsity * m.numel()) for n, m in masks.items()}

    def test_sparsity_zero_keeps_all(self, dense: nn.Module, scope: str):
        assert all(bool(mask.all()) for mask in make_masks(dense, 0.0, scope).values())

    def test_the_dense_model_is_not_changed(self, dense: nn.Module, scope: str):
        before = {name: value.clone() for name, value in dense.state_dict().items()}
        make_masks(dense, 0.9, scope)
        assert all(torch.equal(value, before[name]) for name, value in dense.state_dict().items())

    def test_masks_only_shrink(self, dense: nn.Module, scope: str):
        wider = make_masks(dense, SPARSITIES[0], scope)
        for sparsity in SPARSITIES[1:]:
            masks = make_masks(dense, sparsity, scope)
            assert all(not (masks[name] & ~wider[name]).any() for name in masks)
            wider = masks

    def test_weights_that_are_zero_are_never_chosen_again(self, lenet_folder, scope: str):
        model = load_model(lenet_folder)[0]
        apply_masks(model, make_masks(model, 0.5, "layerwise"))
        before = {name: model.get_parameter(name) != 0 for name in make_masks(model, 0.0)}
        masks = make_masks(model, 0.8, scope)
        assert all(not (masks[name] & ~before[name]).any() for name in masks)
        assert sum(left(masks).values()) == pytest.approx(0.2 * 44_190, abs=5)

    def test_the_same_masks_come_twice(self, dense: nn.Module, scope: str):
        one, two = (make_masks(dense, 0.9, scope) for _ in range(2))
        assert all(torch.equal(one[name], two[name]) for name in one)

    def test_masks_have_the_shapes_of_the_weights(self, dense: nn.Module, scope: str):
        for name, mask in make_masks(dense, 0.5, scope).items():
            assert mask.shape == dense.get_parameter(name).shape
            assert mask.dtype is torch.bool

    def test_the_sign_of_a_weight_does_not_matter(self, scope: str):
        layer = nn.Linear(4, 1)
        layer.weight.data = torch.tensor([[-4.0, 1.0, -2.0, 3.0]])
        assert make_masks(layer, 0.5, scope)["weight"].tolist() == [[True, False, False, True]]

    def test_the_first_of_equal_weights_are_kept(self, scope: str):
        layer = nn.Linear(1_000, 1)
        nn.init.constant_(layer.weight, 0.5)
        assert make_masks(layer, 0.9, scope)["weight"].nonzero()[:, 1].tolist() == list(range(100))

    @pytest.mark.parametrize("sparsity", [1.0, 1.5, -0.1, math.nan, math.inf])
    def test_a_sparsity_out_of_range_is_refused(self, dense: nn.Module, scope: str, sparsity: float):
        with pytest.raises(SafsError, match=rf"sparsity {sparsity} is not in \[0, 1\)"):
            make_masks(dense, sparsity, scope)

    def test_a_model_without_weights_is_refused(self, scope: str):
        with pytest.raises(SafsError, match="no convolution or linear layer"):
            make_masks(nn.ReLU(), 0.5, scope)


def test_an_unknown_scope_is_refused_with_the_nearest_name(dense: nn.Module):
    with pytest.raises(SafsError, match=r"unknown pruning scope 'layer-wise'; did you mean 'layerwise'\?"):
        make_masks(dense, 0.5, "layer-wise")


def test_layerwise_leaves_lenet_what_the_paper_says(dense: nn.Module):
    assert list(left(make_masks(dense, 0.99, "layerwise")).values()) == [2, 24, 307, 101, 8]


def test_global_compares_weights_across_layers():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[0].weight.data = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    model[1].weight.data = torch.tensor([[5.0, 0.5], [0.25, 6.0]])
    masks = make_masks(model, 0.5, "global")
    assert masks["0.weight"].tolist() == [[False, False], [True, True]]
    assert masks["1.weight"].tolist() == [[True, False], [False, True]]


def test_erk_keeps_in_proportion_to_the_sides_and_nothing_beyond_a_layer():
    model = nn.Sequential(nn.Linear(100, 100), nn.Linear(100, 2))
    kept = left(make_masks(model, 0.98, "erk"))  # sides of 200 and 102 share 204 weights
    assert kept == {"0.weight": 135, "1.weight": 69}
    kept = left(make_masks(model, 0.9, "erk"))  # the second layer is full
    assert kept == {"0.weight": 820, "1.weight": 200}


def test_lamp_is_the_published_formula():
    score = torch.tensor([[3.0, 1.0], [2.0, 2.0]])
    expected = [[9 / 9, 1 / 18], [4 / 13, 4 / 17]]
    assert torch.allclose(lamp(score), torch.tensor(expected, dtype=torch.float64))


def test_lamp_keeps_the_largest_weight_of_every_layer():
    model = nn.Sequential(nn.Linear(10, 10), nn.Linear(10, 10))
    model[0].weight.data *= 1e-6
    assert min(left(make_masks(model, 0.99, "lamp")).values()) == 1


@given(
    # few different values, so that there are ties
    st.lists(st.integers(0, 5), min_size=1, max_size=60).map(lambda values: torch.tensor(values, dtype=torch.float32)),
    st.floats(0, 1, exclude_max=True),
)
def test_keep_largest_keeps_the_right_number_of_the_largest(scores: Tensor, sparsity: float):
    mask = keep_largest(scores, sparsity)
    ranked = sorted(range(len(scores)), key=lambda i: (-float(scores[i]), i))
    kept = ranked[: len(scores) - round(sparsity * len(scores))]
    assert mask.nonzero().flatten().tolist() == sorted(kept)


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=2).map(sorted), st.integers(0, 99))
def test_keep_largest_only_shrinks(sparsities: list[float], seed: int):
    scores = torch.rand(5, 7, generator=torch.Generator().manual_seed(seed))
    wide, narrow = (keep_largest(scores, sparsity) for sparsity in sparsities)
    assert wide.shape == narrow.shape == scores.shape
    assert not (narrow & ~wide).any()
