"""The audit of a mask: what it has left alive, and the accuracy that it allows at most."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from safs.errors import SafsError
from safs.pruning.liveness import flow
from safs.pruning.masks import prunable_weights


@dataclass(frozen=True)
class LayerAudit:
    """One layer: its weights, how many are kept, and how many of those are on a path from the input to a class."""

    name: str
    weights: int
    kept: int
    live: int | None


@dataclass(frozen=True)
class Audit:
    """What a mask leaves.

    Attributes:
        layers: in the order of the model.
        classes: how many there are.
        covered: the indices of the classes that a live path reaches; the others' logits are constants.
        ceiling: the accuracy, in [0, 1], that a classifier on the covered classes could reach at most: their shares and
            the largest share among the others, which a constant logit can win.
        note: why nothing is known of paths, or nothing; `live` is then None, and every class counts as covered.
    """

    layers: tuple[LayerAudit, ...]
    classes: int
    covered: tuple[int, ...]
    ceiling: float
    note: str = ""

    @property
    def kept(self) -> int:
        """Weights that the mask keeps."""
        return sum(layer.kept for layer in self.layers)

    @property
    def live(self) -> int | None:
        """Weights on a live path."""
        return None if self.note else sum(layer.live or 0 for layer in self.layers)

    def as_json(self) -> dict[str, Any]:
        """What `audit.json` holds."""
        return {**asdict(self), "kept": self.kept, "live": self.live}


def class_shares(labels: Tensor, classes: int) -> list[float]:
    """The share of each class among labels [count]."""
    counts = labels.bincount(minlength=classes)
    return [int(count) / len(labels) for count in counts]


def ceiling(covered: Sequence[int], shares: Sequence[float]) -> float:
    """The accuracy that a classifier on the covered classes could reach at most."""
    others = [share for index, share in enumerate(shares) if index not in set(covered)]
    return min(1.0, sum(shares[index] for index in covered) + max(others, default=0.0))


def audit(
    model: nn.Module, masks: Mapping[str, Tensor], input_shape: tuple[int, ...], class_shares: Sequence[float]
) -> Audit:
    """Follow the live paths from the input to each class.

    Args:
        model: the network; it is not changed.
        masks: by parameter name; zeros of layers that have none count as gone.
        input_shape: of one example, [channels, height, width].
        class_shares: the share of each class, of the training labels, say; they add up to 1.

    Raises:
        SafsError: there are not as many classes as shares.
    """
    weights = prunable_weights(model)
    kept = {name: masks.get(name, weight.detach() != 0) for name, weight in weights.items()}
    try:
        found = flow(model, kept, input_shape)
    except Exception as error:
        layers = tuple(LayerAudit(name, mask.numel(), int(mask.sum()), None) for name, mask in kept.items())
        reason = f"the paths could not be followed: {type(error).__name__}: {error}"
        return Audit(layers, len(class_shares), tuple(range(len(class_shares))), 1.0, reason)
    if found.covered.shape != (len(class_shares),):
        raise SafsError(f"the model gives logits {tuple(found.covered.shape)}, there are {len(class_shares)} shares")
    layers = tuple(
        LayerAudit(name, mask.numel(), int(mask.sum()), int((mask.cpu() & found.through[name]).sum()))
        for name, mask in kept.items()
    )
    covered = tuple(found.covered.nonzero().flatten().tolist())
    return Audit(layers, len(class_shares), covered, ceiling(covered, class_shares))
