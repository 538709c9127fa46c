"""A user's own data becomes tensors, or an error says what it is instead."""

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from safs.data.loaders import as_batchable
from safs.data.tensors import Batchable
from safs.errors import SafsError

X = torch.arange(24.0).view(6, 1, 2, 2)
Y = torch.tensor([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    "data",
    [Batchable(X, Y), (X, Y), DataLoader(TensorDataset(X, Y), batch_size=4), [(X[:3], Y[:3]), (X[3:], Y[3:])]],
    ids=["batchable", "pair", "loader", "batches"],
)
def test_all_ways_to_give_data_give_the_same_tensors(data):
    found = as_batchable(data)
    assert torch.equal(found.x, X)
    assert torch.equal(found.y, Y)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "the data is empty"),
        ([X], "instead of a pair"),
        ([(X, [1, 2])], "instead of a pair"),
        ((X, Y.float()), "do not belong together"),
        ((X, Y[:3]), "do not belong together"),
    ],
)
def test_what_is_no_data_is_refused(data, message):
    with pytest.raises(SafsError, match=message):
        as_batchable(data)
