"""From what a source holds to the parts of a data set; the same content gives the same arrays wherever it came from."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from safs.data.dataset import PARTS, Examples, Part
from safs.data.grouped import SHARE, split_groups
from safs.data.labelled import Found, Labelled
from safs.data.rows import chunks, pick
from safs.errors import SafsError


def assemble(found: Found, seed: int, name: str) -> tuple[tuple[str, ...], dict[Part, Examples], tuple[str, ...]]:
    """Order examples by class and content, and draw the parts that the source lacks from its training part.

    Each lacking part gets a fifth of every class. Equal examples stay together, as do those of one group.

    Args:
        found: what the source holds.
        seed: seed of the split.
        name: the data set's name, for errors.

    Returns:
        Classes, parts, and notes for the reader.

    Raises:
        SafsError: there are fewer than two classes, a part has a class that training lacks, a class is too small to be
            split, or the examples' shapes differ.
    """
    classes = class_order({label for part in found.parts.values() for label in part.names})
    if "train" not in found.parts:
        raise SafsError(f"{name} has parts {', '.join(found.parts)} but no training part; call it train")
    if len(classes) < 2:
        raise SafsError(f"{name} has {len(classes)} class ({', '.join(classes)}); at least 2 are needed to tell apart")
    shapes = {part: given.x.shape[1:] for part, given in found.parts.items()}
    if len(set(shapes.values())) > 1:
        raise SafsError(f"{name}: the parts have different shapes, {shapes}; bring them to one")
    learnt = set(found.parts["train"].names)
    for part, given in found.parts.items():
        strange = sorted(set(given.names) - learnt)
        if strange:
            raise SafsError(f"{name}: the {part} part has class {strange[0]!r}, which the training part lacks")
    sorted_parts = {part: _sorted(found.parts[part], classes) for part in PARTS if part in found.parts}
    notes = [*found.notes, *_duplicates(sorted_parts), *_absent(sorted_parts, classes)]
    parts = {part: examples for part, (examples, _, _) in sorted_parts.items()}
    lacking = [part for part in PARTS if part not in parts]
    if lacking:
        examples, digests, groups = sorted_parts["train"]
        shares: dict[Part, float] = dict.fromkeys(lacking, SHARE)
        shares = {"train": 1 - sum(shares.values()), **shares}
        known = digests if found.joined else [b""] * len(digests)
        indices = split_groups(examples.y, join_groups(known, groups), shares, seed, classes)
        parts |= {part: Examples(pick(examples.x, index), examples.y[index]) for part, index in indices.items()}
    return classes, {part: parts[part] for part in PARTS}, tuple(notes)


def class_order(names: set[str]) -> tuple[str, ...]:
    """Class names in order: by number if all are whole numbers, else by letter."""
    if all(name.lstrip("-").isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


Sorted = tuple[Examples, list[bytes], list[str]]


def _sorted(given: Labelled, classes: Sequence[str]) -> Sorted:
    index = {name: label for label, name in enumerate(classes)}
    labels = np.array([index[name] for name in given.names], np.int64)
    digests = [hashlib.sha256(example.tobytes()).digest() for chunk in chunks(given.x) for example in chunk]
    groups = given.groups or ("",) * len(labels)
    order = sorted(range(len(labels)), key=lambda i: (labels[i], digests[i], groups[i]))
    return (
        Examples(pick(given.x, np.array(order)), labels[order]),
        [digests[i] for i in order],
        [groups[i] for i in order],
    )


def join_groups(digests: Sequence[bytes], groups: Sequence[str]) -> NDArray[np.int64]:
    """Number groups so that equal examples, and examples of one named group, have one number."""
    parent = list(range(len(digests)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[bytes | str, int] = {}
    for i, (digest, group) in enumerate(zip(digests, groups, strict=True)):
        for key in (digest, group):
            if key:
                one, two = sorted((root(i), root(first.setdefault(key, i))))
                parent[two] = one
    roots = np.array([root(i) for i in range(len(parent))])
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)


def _duplicates(parts: Mapping[Part, Sorted]) -> list[str]:
    notes = []
    names = list(parts)
    for index, one in enumerate(names):
        for two in names[index + 1 :]:
            known = set(parts[one][1])
            both = sum(digest in known for digest in parts[two][1])
            if both:
                notes.append(f"{both} examples of the {two} part are also in the {one} part, as the source gives them")
    return notes


def _absent(parts: Mapping[Part, Sorted], classes: Sequence[str]) -> list[str]:
    notes = []
    for part, (examples, _, _) in parts.items():
        counts = np.bincount(examples.y, minlength=len(classes))
        missing = [name for name, count in zip(classes, counts, strict=True) if count == 0]
        if missing:
            notes.append(f"the {part} part has no example of {', '.join(missing)}")
    return notes
