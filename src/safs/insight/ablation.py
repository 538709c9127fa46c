"""What each site's operator is worth: it is put back, everything else is kept."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from safs.activations import activation_sites, set_activations
from safs.data.tensors import Batchable
from safs.pruning.masks import masks_of
from safs.training.settings import Compute, Hyperparameters
from safs.training.trainer import measure, train

OnSite = Callable[[str, float], None]


def ablate(
    model: nn.Module,
    original: Mapping[str, str],
    training: Batchable,
    validation: Batchable,
    settings: Hyperparameters,
    epochs: int,
    seed: int,
    on_site: OnSite | None = None,
    *,
    compute: Compute = Compute(),
) -> dict[str, Any]:
    """Put each site's operator back to the original one, one site at a time, and measure what that costs.

    With `epochs` the network may adapt: it is trained on for that long, with a cosine schedule, and so is the unchanged
    network that it is compared with. Only validation data is measured on.

    Args:
        model: a trained sparse network; it is left as it is.
        original: the operator that each site had before the search.
        training: what is learnt from.
        validation: what is measured on.
        settings: the hyperparameters that the network was trained with.
        epochs: of re-training; 0 measures at once.
        seed: decides the order of the batches, the same for all.
        on_site: called with each site's name and its drop.
        compute: what to compute with.

    Returns:
        epochs; accuracy, of the unchanged network; and by site its operator, the original one, the accuracy with the
        original one and the drop. A site that has its original operator has drop 0.

    Raises:
        SafsError: an original operator's name or site is unknown.
    """

    def outcome(site: str | None) -> float:
        candidate = copy.deepcopy(model)
        if site:
            set_activations(candidate, {site: original[site]}, sites[site].scales)
        if not epochs:
            return measure(candidate, validation).accuracy
        short = replace(settings, schedule="cosine")
        return train(
            candidate, training, validation, short, epochs, seed, masks_of(candidate), compute=compute
        ).accuracy

    sites = activation_sites(model)
    base = outcome(None)
    results = {}
    for name, site in sites.items():
        before = original.get(name, site.operator.name)
        accuracy = base if before == site.operator.name else outcome(name)
        results[name] = {
            "operator": site.operator.name,
            "original": before,
            "accuracy": accuracy,
            "drop": base - accuracy,
        }
        if on_site:
            on_site(name, base - accuracy)
    return {"epochs": epochs, "accuracy": base, "sites": results}
