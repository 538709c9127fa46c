"""The reference profile that goes with a registered model: what its inputs and predictions look like when all is well."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from safs.errors import SafsError
from safs.files import read_json, write_json
from safs.reference.features import Floats, blank_share, features_of, repeated_share

FILE, VERSION = "profile.json", 1
MOST = 500  # values kept of each feature
DIGITS = 5  # of a kept value


@dataclass(frozen=True)
class Profile:
    """What a model is compared with.

    Attributes:
        version: of this form.
        examples: how many it was made of.
        shape: of an input.
        classes: names in the order of the predictions.
        features: up to 500 values of each feature, drawn at random.
        confidence: the same of the largest probability.
        predicted: how often each class was predicted.
        correct: how many predictions were right.
        blank: share of examples with one value everywhere.
        repeated: share of examples that are equal to an earlier one.
    """

    version: int
    examples: int
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    features: Mapping[str, list[float]]
    confidence: list[float]
    predicted: list[int]
    correct: int
    blank: float
    repeated: float


def make_profile(x: Floats, probabilities: Floats, labels: NDArray[np.int64], classes: Sequence[str]) -> Profile:
    """The profile of data that the model has not learnt from.

    Args:
        x: inputs as a user hands them over, [count, channels, ...].
        probabilities: what the model says of them, [count, classes].
        labels: the true classes, [count].
        classes: their names.
    """
    kept = np.sort(np.random.default_rng(0).permutation(len(x))[:MOST])
    predicted = probabilities.argmax(1)
    return Profile(
        VERSION,
        len(x),
        tuple(x.shape[1:]),
        tuple(classes),
        {name: _rounded(values[kept]) for name, values in features_of(x).items()},
        _rounded(probabilities.max(1)[kept]),
        np.bincount(predicted, minlength=len(classes)).tolist(),
        int((predicted == labels).sum()),
        blank_share(x),
        repeated_share(x),
    )


def write_profile(folder: Path, profile: Profile) -> None:
    """Write `profile.json` into a folder."""
    write_json(folder / FILE, asdict(profile))


def read_profile(folder: Path) -> Profile:
    """Read `profile.json` of a folder.

    Raises:
        SafsError: there is none, or it is not a profile of this version.
    """
    path = folder / FILE
    if not path.exists():
        raise SafsError("the version has no reference profile; register the model again")
    raw = read_json(path)
    try:
        profile = Profile(**{**raw, "shape": tuple(raw["shape"]), "classes": tuple(raw["classes"])})
        if profile.version != VERSION or len(profile.predicted) != len(profile.classes):
            raise ValueError(f"version {profile.version}")
    except (TypeError, KeyError, ValueError) as error:
        raise SafsError(f"{path} is not a reference profile of version {VERSION} ({error})") from None
    return profile


def _rounded(values: Floats) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]
