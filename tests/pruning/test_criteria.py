import pytest
import torch
from torch import nn

from safs.errors import SafsError
from safs.pruning.making import make_masks


@pytest.fixture
def model() -> nn.Module:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    model[0].weight.data = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
    return model


def test_gradient_weighs_with_the_gradient(model):
    gradients = {"0.weight": torch.tensor([[9.0, -3.0], [0.1, 0.0]]), "2.weight": torch.ones(2, 2)}
    masks = make_masks(model, 0.5, criterion="gradient", gradients=gradients)
    assert masks["0.weight"].tolist() == [[True, True], [False, False]]


def test_gradients_must_be_there_and_fit(model):
    with pytest.raises(SafsError, match=r"needs the gradient of 0\.weight"):
        make_masks(model, 0.5, criterion="gradient")
    with pytest.raises(SafsError, match="shape"):
        make_masks(model, 0.5, criterion="gradient", gradients={"0.weight": torch.ones(2), "2.weight": torch.ones(2)})


def test_an_unknown_criterion_is_refused(model):
    with pytest.raises(SafsError, match="did you mean 'magnitude'"):
        make_masks(model, 0.5, criterion="magnitud")


@pytest.mark.parametrize("pattern", ["0", "0.weight", "0*", "[01]*"])
def test_ignored_layers_get_no_mask_and_the_others_exact_counts(model, pattern):
    masks = make_masks(model, 0.5, "global", ignore=[pattern])
    assert list(masks) == ["2.weight"]
    assert int(masks["2.weight"].sum()) == 2


def test_a_pattern_that_matches_nothing_is_refused(model):
    with pytest.raises(SafsError, match="unknown layer to ignore 'fc'"):
        make_masks(model, 0.5, ignore=["fc"])


def test_ignoring_everything_is_refused(model):
    with pytest.raises(SafsError, match="leaves no layer"):
        make_masks(model, 0.5, ignore=["*"])
