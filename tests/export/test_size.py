import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from safs.activations import activation_sites, set_activations
from safs.export.size import dense_bytes, gap_bytes, sparse_bytes
from safs.models import load_model
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks


def encode(positions: list[int]) -> bytes:
    """8-bit gaps between the positions of nonzeros; 255 says that the gap goes on."""
    out, last = bytearray(), -1
    for position in positions:
        gap, last = position - last - 1, position
        while gap >= 255:
            out.append(255)
            gap -= 255
        out.append(gap)
    return bytes(out)


def decode(raw: bytes) -> list[int]:
    positions, position = [], -1
    for byte in raw:
        if byte == 255:
            position += 255
        else:
            position += byte + 1
            positions.append(position)
    return positions


@given(st.lists(st.integers(0, 5_000), unique=True).map(sorted))
def test_the_bytes_of_the_gaps_are_those_of_an_encoder(positions: list[int]):
    raw = encode(positions)
    assert decode(raw) == positions
    assert gap_bytes(np.array(positions, dtype=np.int64)) == len(raw)


@pytest.mark.parametrize(
    ("positions", "length"),
    [([], 0), ([0], 1), ([254], 1), ([255], 2), ([509], 2), ([510], 3), ([0, 255], 2), ([0, 256], 3), (range(9), 9)],
)
def test_the_bytes_of_known_gaps(positions: list[int], length: int):
    assert gap_bytes(np.array(positions, dtype=np.int64)) == length


def test_a_model_without_zeros_is_as_large_as_the_dense_one(lenet_folder):
    model, _ = load_model(lenet_folder)
    assert sparse_bytes(model) == dense_bytes(model) == 4 * 44_426


def test_learnt_scales_are_counted(lenet_folder):
    model, _ = load_model(lenet_folder)
    set_activations(model, dict.fromkeys(activation_sites(model), "swish"), scales="layer")
    assert sparse_bytes(model) == dense_bytes(model) == 4 * (44_426 + 8)


@pytest.mark.parametrize("scope", ["layerwise", "global", "erk", "lamp"])
def test_at_99_percent_it_is_less_than_a_thirtieth(lenet_folder, scope: str):
    model, _ = load_model(lenet_folder)
    apply_masks(model, make_masks(model, 0.99, scope))
    assert sparse_bytes(model) < dense_bytes(model) / 30


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.3, 0.9, 0.99])
def test_a_model_is_as_large_as_its_parts(lenet_folder, sparsity: float):
    model, _ = load_model(lenet_folder)
    apply_masks(model, make_masks(model, sparsity))
    expected = 0
    for layer in (model.conv1, model.conv2, model.fc1, model.fc2, model.fc3):
        flat = layer.weight.detach().flatten().tolist()
        positions = [i for i, value in enumerate(flat) if value != 0]
        expected += min(4 * len(flat), 4 * len(positions) + len(encode(positions))) + 4 * layer.bias.numel()
    assert sparse_bytes(model) == expected


def test_a_layer_without_weights_costs_its_bias_alone():
    layer = nn.Linear(1_000, 3)
    nn.init.zeros_(layer.weight)
    assert sparse_bytes(layer) == 12


def test_each_type_has_its_own_width():
    assert dense_bytes(nn.Linear(10, 10, bias=False).to(torch.bfloat16)) == 200
