"""The data sets that `prepare` knows, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safs.data.dataset import Examples, Part
from safs.errors import SafsError, unknown


@dataclass(frozen=True)
class Source:
    """A named data set: how to read it, what it is, and its classes."""

    read: Callable[[str, int], tuple[str, tuple[str, ...], dict[Part, Examples]]]
    needs_root: bool


def _digits(_data_root: str, split_seed: int) -> tuple[str, tuple[str, ...], dict[Part, Examples]]:
    from safs.data import digits  # scikit-learn takes a second to import

    return digits.ORIGIN, digits.CLASSES, digits.read_digits(split_seed)


def _mnist(data_root: str, _split_seed: int) -> tuple[str, tuple[str, ...], dict[Part, Examples]]:
    from safs.data import mnist

    return mnist.ORIGIN, mnist.CLASSES, mnist.read_mnist(Path(data_root))


SOURCES: Mapping[str, Source] = {"digits": Source(_digits, needs_root=False), "mnist": Source(_mnist, needs_root=True)}


def source_named(name: str, data_root: str) -> Source:
    """Look a source up and check that its folder is there.

    Raises:
        SafsError: the name is unknown, or the folder it needs is missing or not a folder.
    """
    if name not in SOURCES:
        raise unknown("data set", name, SOURCES)
    if SOURCES[name].needs_root:
        if not data_root:
            raise SafsError(f"data set {name!r} needs --data-root, the folder that holds its files")
        if not Path(data_root).is_dir():
            raise SafsError(f"data root {data_root!r} is not a folder; give the one that holds the files of {name}")
    return SOURCES[name]
