"""Step 3: sparse networks, each with the largest weights of a dense one."""

from pathlib import Path
from typing import Any

from safs.pruning.types import Scope
from safs.steps.arguments import Sparsity
from safs.steps.context import Context
from safs.steps.work import work_folder


def prune(
    models: Path,
    out: Path,
    sparsity: Sparsity = 0.99,
    scope: Scope = "layerwise",
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Zero the smallest weights of every dense model in one shot.

    Args:
        models: Folder of dense models, the output of pretrain.
        out: Folder to write the pruned models to; their zeros are the mask.
        sparsity: Fraction of the convolution and linear weights to zero, in [0, 1).
        scope: Same fraction in every layer (layerwise), or shared out among the layers (global, erk, lamp).

    Raises:
        SafsError: a model is missing or damaged.
    """
    from dataclasses import replace

    from safs.models import load_model, save_model, seed_folders
    from safs.pruning.making import make_masks
    from safs.pruning.masks import apply_masks, weights_left

    left = total = 0
    with work_folder("prune", out, context, models=models, sparsity=sparsity, scope=scope) as work:
        folders = seed_folders(models)
        for index, (seed, folder) in enumerate(folders.items()):
            model, spec = load_model(folder)
            apply_masks(model, make_masks(model, sparsity, scope))
            save_model(work / f"seed-{seed}", model, replace(spec, sparsity=sparsity))
            left, total = weights_left(model)
            context.tracker.progress(index + 1, len(folders), f"{left:,} of {total:,} weights left")
    context.tracker.metrics({"weights_left": left, "weights": total})
    return {"sparsity": sparsity, "scope": scope, "weights_left": left, "weights": total}
