"""Stratified draws: the same share of every class, by a seed."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from safs.data.dataset import PARTS, Examples, Part
from safs.data.rows import pick
from safs.errors import SafsError


def draw(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Draw `count` examples at random, each class in proportion to its size (largest remainders are rounded up).

    Args:
        labels: class indices [examples], 0 or more.
        count: how many to draw, 0 to len(labels).
        seed: the same seed draws the same examples.

    Returns:
        The drawn indices in ascending order.
    """
    random = np.random.default_rng(seed)
    sizes = np.bincount(labels)
    exact = sizes * (count / len(labels))
    counts = np.floor(exact).astype(np.int64)
    missing = count - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    order = random.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]  # class by class, each in random order
    starts = np.cumsum(sizes) - sizes
    return np.sort(
        np.concatenate([order[start : start + n] for start, n in zip(starts, counts, strict=True)], dtype=np.int64)
    )


def split_off(examples: Examples, count: int, seed: int) -> tuple[Examples, Examples]:
    """Split a stratified draw of `count` examples off; gives the rest and the draw, both in the old order."""
    drawn = np.zeros(len(examples.y), bool)
    drawn[draw(examples.y, count, seed)] = True
    return Examples(examples.x[~drawn], examples.y[~drawn]), Examples(examples.x[drawn], examples.y[drawn])


def reduce_parts(parts: Mapping[Part, Examples], max_examples: int, seed: int) -> dict[Part, Examples]:
    """Keep at most `max_examples` of all parts together, each part and each class in proportion; 0 keeps all.

    Raises:
        SafsError: fewer examples than parts are asked for.
    """
    total = sum(len(parts[part].y) for part in PARTS)
    if max_examples == 0 or max_examples >= total:
        return dict(parts)
    if max_examples < len(PARTS):
        raise SafsError(f"max_examples is {max_examples}: train, validation and test need one each; 0 takes all")
    counts = {part: max(1, max_examples * len(parts[part].y) // total) for part in ("validation", "test")}
    counts["train"] = max_examples - sum(counts.values())
    chosen = {part: draw(parts[part].y, counts[part], seed) for part in PARTS}
    return {part: Examples(pick(parts[part].x, index), parts[part].y[index]) for part, index in chosen.items()}
