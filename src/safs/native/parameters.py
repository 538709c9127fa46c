"""The parameters that are left, in one row of floats."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Indices = NDArray[np.int64]


@dataclass
class Share:
    """Where the values of one parameter are.

    Attributes:
        name: of the parameter in the model.
        there: [count], places in the flattened parameter.
        here: [count], places in theta.
    """

    name: str
    there: Indices
    here: Indices


class Layout:
    """Gives every parameter its places in theta."""

    def __init__(self) -> None:
        self.size = 0
        self.shares: list[Share] = []

    def add(self, name: str, there: Indices, here: Indices | None = None, size: int | None = None) -> Indices:
        """Append the values at `there` of a parameter; where they are in theta.

        Args:
            name: of the parameter.
            there: which of its values.
            here: their order in the new part of theta; as they come if not given.
            size: how many floats the new part has.
        """
        places = self.size + (np.arange(len(there)) if here is None else here)
        self.shares.append(Share(name, there, places))
        self.size += len(there) if size is None else size
        return places

    def read(self, tensors: Mapping[str, Tensor], theta: NDArray[np.float32]) -> None:
        """Fill theta from tensors of the parameters' shapes; what is not among them stays."""
        for share in self.shares:
            if share.name in tensors:
                theta[share.here] = tensors[share.name].detach().reshape(-1).numpy()[share.there]

    def write(self, theta: NDArray[np.float32], tensors: Mapping[str, Tensor]) -> None:
        """Fill tensors of the parameters' shapes from theta, zeros where nothing is left."""
        for share in self.shares:
            values = np.zeros(tensors[share.name].numel(), np.float32)
            values[share.there] = theta[share.here]
            tensor = tensors[share.name].detach()
            tensor.copy_(tensor.new_tensor(values).reshape(tensor.shape))
