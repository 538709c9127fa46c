"""Images in folders: `train/<class>/*.jpg`, or one folder a class that is split."""

import re
import unicodedata
from collections import Counter
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from safs.data.dataset import Part
from safs.data.forms import IMAGES
from safs.data.images import read_image
from safs.data.labelled import BadFiles, Found, Labelled, Report
from safs.data.listing import Listing
from safs.data.pile import Pile, Room, joined
from safs.errors import SafsError

NAMES: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}


def read_images(
    listing: Listing,
    side: int = 0,
    bad_files: BadFiles = "refuse",
    group_pattern: str = "",
    report: Report | None = None,
    room: Room | None = None,
) -> Found:
    """Read all images of a folder.

    Args:
        listing: the folder's files.
        side: bring images to so many pixels a side; 0 asks for images of one size.
        bad_files: refuse the whole folder for a file that cannot be read, or skip the file and say so.
        group_pattern: a regular expression; what it finds in a file's path is the file's group, which is not split up.
        report: told how many files are read.
        room: what the images may take of memory.

    Raises:
        SafsError: a file is refused, images have different sizes, a class is empty, or files lie outside of classes.
    """
    pattern = compile_pattern(group_pattern)
    files, other = class_files(listing)
    notes = [f"{len(other)} files that are no images are left out, such as {other[0]!r}"] if other else []
    room = room or Room()
    read: dict[Part, Read] = {}
    skipped, wrong_names, first = [], 0, ""
    shape: tuple[int, ...] = ()
    for number, (part, name, file) in enumerate(files):
        if report:
            report(number, len(files), "files read")
        try:
            pixels, kind = read_image(listing.root / file, side)
        except SafsError as error:
            if bad_files == "refuse":
                raise
            skipped.append(str(error))
            continue
        first, shape = first or file, shape or pixels.shape[1:]
        if pixels.shape[1:] != shape:
            raise SafsError(
                f"{listing.root / file} has {_size(pixels.shape[1:])} pixels and {first} has {_size(shape)}; all need one size, "
                "or set image_size to bring them to one"
            )
        wrong_names += kind not in _kinds(file)
        read.setdefault(part, Read(room)).add(name, group_of(file, pattern), pixels)
    notes += [f"skipped: {reason}" for reason in skipped]
    if wrong_names:
        notes.append(f"{wrong_names} files are of another format than their names say; their content was believed")
    _check_classes(files, read, listing.root)
    channels = max(channels for images in read.values() for channels in images.piles)
    if any(set(images.piles) != {channels} for images in read.values()):
        notes.append("grey and colour images are mixed; the grey ones were brought to three equal channels")
    return Found({part: images.labelled(channels) for part, images in read.items()}, tuple(notes))


class Read:
    """The images of a part: a pile for grey ones, one for those with colours."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.piles: dict[int, Pile] = {}
        self.labels: dict[int, list[tuple[str, str]]] = {}

    def add(self, name: str, group: str, pixels: NDArray[np.uint8]) -> None:
        """Put an image [channels, height, width] of a class and a group on its pile."""
        channels = len(pixels)
        if channels not in self.piles:
            self.piles[channels], self.labels[channels] = self.room.pile(), []
        self.piles[channels].add(pixels[None])
        self.labels[channels].append((name, group))

    def labelled(self, channels: int) -> Labelled:
        """All images, each with so many channels."""
        labels = [label for pile in self.labels.values() for label in pile]
        groups = tuple(group for _, group in labels)
        x = joined(self.room, list(self.piles.values()), channels)
        return Labelled(x, tuple(name for name, _ in labels), groups if any(groups) else ())


def class_files(listing: Listing) -> tuple[list[tuple[Part, str, str]], list[str]]:
    """Sort a folder's images by part and class.

    Returns:
        Part, class and path of each image; and the files that are no images, going by their names.

    Raises:
        SafsError: an image lies outside of classes, a folder beside the parts is none, or a class has no image.
    """
    tops = sorted({folder for folder in listing.folders if "/" not in folder})
    depth = 1 if any(NAMES.get(top.lower()) == "train" for top in tops) else 0
    if depth:
        strange = [top for top in tops if top.lower() not in NAMES]
        if strange:
            raise SafsError(
                f"{listing.root / strange[0]} lies beside the training part but is neither validation nor test"
            )
    files, other = [], []
    for file in listing.files:
        pieces = PurePosixPath(file).parts
        if Path(file).suffix.lower() not in IMAGES:
            other.append(file)
            continue
        if len(pieces) < depth + 2:
            raise SafsError(f"{listing.root / file} lies outside of the folder of a class; put it into one")
        part: Part = NAMES[pieces[0].lower()] if depth else "train"
        files.append((part, unicodedata.normalize("NFC", pieces[depth]), file))
    filled = {file.rsplit("/", file.count("/") - depth)[0] for _, _, file in files}
    for folder in listing.folders:
        if folder.count("/") == depth and folder not in filled:
            raise SafsError(f"the class {str(listing.root / folder)!r} has no image; fill or remove it")
    if not files:
        raise SafsError(f"{str(listing.root)!r} holds no images in folders of classes ({', '.join(IMAGES)})")
    return files, other


def compile_pattern(pattern: str) -> re.Pattern[str] | None:
    """The regular expression that finds a file's group; None if there is none.

    Raises:
        SafsError: it is not a regular expression.
    """
    try:
        return re.compile(pattern) if pattern else None
    except re.error as error:
        raise SafsError(f"group_pattern is {pattern!r}, which is not a regular expression: {error}") from None


def group_of(file: str, pattern: re.Pattern[str] | None) -> str:
    """The group of a file, by its path: the pattern's first group, or all that it finds.

    Raises:
        SafsError: the pattern finds nothing in it.
    """
    if pattern is None:
        return ""
    match = pattern.search(file)
    found = (match[1] if pattern.groups else match[0]) if match else ""
    if not found:
        raise SafsError(f"group_pattern {pattern.pattern!r} finds no group in {file!r}")
    return found


def _check_classes(files: list[tuple[Part, str, str]], read: dict[Part, Read], root: Path) -> None:
    wanted = Counter((part, name) for part, name, _ in files)
    there = {(part, name) for part, images in read.items() for labels in images.labels.values() for name, _ in labels}
    for part, name in wanted:
        if (part, name) not in there:
            raise SafsError(f"{str(root)!r}: no image of class {name!r} ({part} part) can be read")


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"


def _kinds(file: str) -> set[str]:
    suffix = Path(file).suffix.lower()[1:]
    return {{"jpg": "JPEG", "tif": "TIFF", "pgm": "PPM"}.get(suffix, suffix.upper())}
