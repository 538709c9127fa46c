"""Faults of a batch that no statistics are needed for."""

import numpy as np

from safs.monitoring.batch import Batch
from safs.monitoring.limits import Limits
from safs.reference.features import blank_share, repeated_share
from safs.reference.profile import Profile


def faults_of(batch: Batch, profile: Profile, limits: Limits) -> list[str]:
    """What is wrong with a batch, in sentences; with any fault, nothing else is to be believed.

    Args:
        batch: the inputs.
        profile: what is usual; a share that the reference has too is none.
        limits: how much of it is too much.
    """
    x, faults = batch.x, []
    total = len(x) + len(batch.unreadable)
    if len(batch.unreadable) > limits.max_unreadable * total:
        faults.append(f"{len(batch.unreadable)} of {total} files cannot be read, such as: {batch.unreadable[0]}")
    if len(x) < limits.min_examples:
        faults.append(f"{len(x)} examples, at least {limits.min_examples} are needed")
    if len(x) == 0:
        return faults
    if x.shape[1:] != profile.shape:
        return [*faults, f"inputs have the shape {x.shape[1:]}, the model takes {profile.shape}"]
    if not np.isfinite(x).all():
        return [
            *faults,
            f"{int((~np.isfinite(x)).any(axis=tuple(range(1, x.ndim))).sum())} examples have values that are not finite",
        ]
    for what, share, usual, limit in (
        ("have one value everywhere", blank_share(x), profile.blank, limits.max_blank),
        ("are equal to an earlier one", repeated_share(x), profile.repeated, limits.max_repeated),
    ):
        if share > usual + limit:
            faults.append(f"{share:.1%} of the examples {what}, at most {usual + limit:.1%} are usual")
    return faults
