"""The data sets that `prepare` knows, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safs.data.dataset import Examples, Part
from safs.errors import SafsError, unknown

Content = tuple[str, tuple[str, ...], dict[Part, Examples]]  # origin, classes, parts


@dataclass(frozen=True)
class Source:
    """A named data set.

    Attributes:
        read: maps data_root and split_seed to the origin, the classes and the parts.
        needs_root: it is read from files of the user's.
        normalised: its pixels are brought to mean 0 and standard deviation 1, by channel.
        archive: data_root may also be an archive file.
    """

    read: Callable[[str, int], Content]
    needs_root: bool = True
    normalised: bool = False
    archive: bool = False


def _digits(_data_root: str, split_seed: int) -> Content:
    from safs.data import digits  # scikit-learn takes a second to import

    return digits.ORIGIN, digits.CLASSES, digits.read_digits(split_seed)


def _mnist(data_root: str, _split_seed: int) -> Content:
    from safs.data import mnist

    return mnist.ORIGIN, mnist.CLASSES, mnist.read_mnist(Path(data_root))


def _fashion_mnist(data_root: str, _split_seed: int) -> Content:
    from safs.data import mnist

    return mnist.FASHION_ORIGIN, mnist.FASHION_CLASSES, mnist.read_mnist(Path(data_root), "FashionMNIST")


def _cifar10(data_root: str, split_seed: int) -> Content:
    from safs.data import cifar10

    origin, parts = cifar10.read_cifar10(Path(data_root), split_seed)
    return origin, cifar10.CLASSES, parts


def _imagenet16(data_root: str, split_seed: int) -> Content:
    from safs.data import imagenet16

    return imagenet16.ORIGIN, imagenet16.CLASSES, imagenet16.read_imagenet16(Path(data_root), split_seed)


SOURCES: Mapping[str, Source] = {
    "digits": Source(_digits, needs_root=False),
    "mnist": Source(_mnist),
    "fashion-mnist": Source(_fashion_mnist),
    "cifar10": Source(_cifar10, normalised=True, archive=True),
    "imagenet16": Source(_imagenet16, normalised=True),
}


def source_named(name: str, data_root: str) -> Source:
    """Look a source up and check that its folder is there.

    Raises:
        SafsError: the name is unknown, or the folder it needs is missing or not a folder.
    """
    if name not in SOURCES:
        raise SafsError(f"{unknown('data set', name, SOURCES)}, or the path of a folder or an .npz file of yours")
    source = SOURCES[name]
    if source.needs_root:
        if not data_root:
            raise SafsError(f"data set {name!r} needs --data-root, the folder that holds its files")
        if not Path(data_root).is_dir() and not (source.archive and Path(data_root).is_file()):
            raise SafsError(f"data root {data_root!r} is not a folder; give the one that holds the files of {name}")
    return source
