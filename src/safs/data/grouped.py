"""A split that keeps groups together and gives every class its share of every part."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from safs.data.dataset import Part
from safs.errors import SafsError

SHARE = 0.2  # of what there is to split, for each of validation and test


def split_groups(
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    shares: Mapping[Part, float],
    seed: int,
    classes: Sequence[str],
) -> dict[Part, NDArray[np.int64]]:
    """Deal whole groups out to parts, the largest first, each to the part that lacks its classes most.

    Among groups of one size a seed decides. Where every example is a group of its own this is a stratified split.

    Args:
        labels: class indices [count].
        groups: group indices [count], 0 to the number of groups.
        shares: how much of each class a part should get; they add up to 1.
        seed: decides the order of the groups.
        classes: the classes' names, for the error.

    Returns:
        The indices of each part, ascending.

    Raises:
        SafsError: a part would get nothing of a class.
    """
    parts, kinds = list(shares), len(classes)
    table = np.zeros((int(groups.max()) + 1, kinds), np.int64)
    np.add.at(table, (groups, labels), 1)
    order = np.random.default_rng(seed).permutation(len(table))
    order = order[np.argsort(-table.sum(1)[order], kind="stable")]
    wanted = np.outer([shares[part] for part in parts], table.sum(0)).astype(float)  # [parts, classes]
    lacking, scale = wanted.copy(), np.maximum(wanted, 1e-9)
    totals = np.maximum(table.sum(0), 1)  # a rare class counts as much as a frequent one
    home = np.zeros(len(table), np.int64)
    for group in order:
        counts = table[group]
        present = np.flatnonzero(counts)
        need = (lacking[:, present] / scale[:, present]) @ (counts / totals)[present]
        best = int(np.argmax(need.round(9)))
        home[group] = best
        lacking[best] -= counts
    dealt = home[groups]
    for index, part in enumerate(parts):
        there = np.bincount(labels[dealt == index], minlength=kinds)
        if not there.all():
            name = classes[int(np.argmin(there))]
            number = int((table[:, classes.index(name)] > 0).sum())
            raise SafsError(
                f"class {name!r} has {number} groups (different examples, files or what you named); the {part} part would get "
                f"none of it; {len(parts)} or more are needed, or parts of your own in folders train, validation and test"
            )
    return {part: np.flatnonzero(dealt == index) for index, part in enumerate(parts)}
