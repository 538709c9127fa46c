"""The one way to masks: scope, criterion, what to ignore, and whether every class must keep a path."""

from collections.abc import Sequence

from torch import nn

from safs.errors import SafsError, unknown
from safs.pruning.coverage import cover
from safs.pruning.criteria import Gradients, score_weights, weights_to_prune
from safs.pruning.masks import Masks
from safs.pruning.scopes import RESCORED, choose, rescore


def make_masks(
    model: nn.Module,
    sparsity: float,
    scope: str = "layerwise",
    criterion: str = "magnitude",
    *,
    coverage: bool = False,
    ignore: Sequence[str] = (),
    gradients: Gradients | None = None,
    input_shape: tuple[int, ...] | None = None,
) -> Masks:
    """Masks of the weights that are worth most; weights that are zero already are never chosen again.

    Args:
        model: the network, dense or sparse; it is not changed.
        sparsity: fraction of the prunable weights to leave out, in [0, 1): exactly round(sparsity * n) of every layer
            (`layerwise`) or of all layers together.
        scope: `layerwise`, `global`, `erk` or `lamp`.
        criterion: `magnitude`, or `gradient` (|weight x gradient|).
        coverage: keep a path from the input to every class, within the same counts.
        ignore: patterns (`*`, `?`) of parameter or layer names not to prune; they get no mask.
        gradients: of the loss by parameter name, for the criterion `gradient`.
        input_shape: of one example, [channels, height, width]; needed with `coverage`.

    Returns:
        Masks (bool, True where a weight is left) by parameter name.

    Raises:
        SafsError: the sparsity is out of range, a name or pattern unknown, nothing can be pruned, gradients or the input
            shape are missing.
    """
    if not 0 <= sparsity < 1:
        raise SafsError(f"sparsity {sparsity} is not in [0, 1)")
    if scope != "layerwise" and scope not in RESCORED:
        raise unknown("pruning scope", scope, ["layerwise", *RESCORED])
    scores = score_weights(weights_to_prune(model, tuple(ignore)), criterion, gradients)
    masks = choose(scores, sparsity, scope)  # type: ignore[arg-type]
    if not coverage:
        return masks
    if input_shape is None:
        raise SafsError("coverage follows paths from the input: give the input_shape of one example")
    groups = [list(masks)] if scope in {"global", "lamp"} else [[name] for name in masks]
    return cover(model, masks, rescore(scores, scope), groups, input_shape)  # type: ignore[arg-type]
