"""Training with PyTorch without the units that the masks have cut off."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from safs.compaction import Compacted, compact
from safs.compaction.graph import trace
from safs.data.tensors import Batchable
from safs.pruning.masks import Masks, apply_masks
from safs.training.score import Score
from safs.training.settings import Compute, Hyperparameters
from safs.training.torch_engine import TorchEngine

WORTH = 0.75  # the small network has at most this share of the parameters, or it is not worth the trouble


def compacted_for_training(model: nn.Module, training: Batchable, masks: Masks) -> Compacted | None:
    """The small network to train instead of a masked one, or None where there is little to win.

    A network whose graph differs between training and evaluation (dropout as a function, say) is left alone: its
    trace would stay in one of them.
    """
    apply_masks(model, masks)
    shape = tuple(training.x.shape[1:])
    small = compact(model, shape, lasting=True)  # a training that goes on finds its optimizer's state
    size = sum(parameter.numel() for parameter in model.parameters())
    if sum(parameter.numel() for parameter in small.model.parameters()) > WORTH * size:
        return None
    was = model.training
    codes = {trace(model.train(mode), shape).code for mode in (True, False)}
    model.train(was)
    return small if len(codes) == 1 else None


class CompactedEngine:
    """Trains a small network for a large one; see `Engine` for its methods.

    What is learnt is exact in the sense of `safs.compaction`: constants live on in their readers' biases.

    Args:
        small: the small network of the masked model.
        training: what is learnt from.
        settings: the hyperparameters.
        masks: weights to keep at zero, in the shapes of the large model.
        compute: what to compute with.
    """

    def __init__(
        self, small: Compacted, training: Batchable, settings: Hyperparameters, masks: Masks, compute: Compute
    ) -> None:
        self.small = small
        self.masks = masks
        self.engine = TorchEngine(small.model, training, settings, self._shrunk(masks), compute)

    def _shrunk(self, masks: Masks) -> Masks:
        return {name: self.small.shrink(name, mask) for name, mask in masks.items()}

    def epoch(self, order: Tensor, rates: Sequence[float]) -> float:
        return self.engine.epoch(order, rates)

    def measure(self, data: Batchable) -> Score:
        return self.engine.measure(data)

    def mask(self, masks: Masks) -> None:
        self.masks = masks
        self.engine.mask(self._shrunk(masks))

    def sync(self) -> None:
        apply_masks(self.small.restore(), self.masks)  # what was taken out is masked in the large network alone

    def state(self) -> dict[str, Tensor]:
        return self.engine.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.engine.restore(state)

    def close(self) -> None:
        self.engine.close()
        self.sync()
