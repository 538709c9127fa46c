"""The user's own data: what a path names, and how each kind is read."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from safs.data.buckets import Bucket, list_bucket
from safs.data.forms import IMAGES, TABLES, Windows
from safs.data.labelled import BadFiles, Found, Report
from safs.data.listing import Listing, check_name, list_folder
from safs.data.pile import Room
from safs.data.sources import SOURCES, Source, source_named
from safs.errors import SafsError

Kind = Literal["images", "npz", "sensors"]


@dataclass(frozen=True)
class OwnData:
    """A data set of the user's on disk.

    Attributes:
        kind: what it is.
        path: its folder or file.
        listing: the files of the folder.
        bucket: the objects that are to be fetched first; the listing is then of their paths below `path`.
    """

    kind: Kind
    path: Path
    listing: Listing
    bucket: Bucket | None = None

    @property
    def name(self) -> str:
        """The folder's or file's own name."""
        if self.bucket:
            return self.bucket.uri.rstrip("/").rpartition("/")[2].rsplit(".", 1)[0]
        return self.path.resolve().stem if self.path.is_file() else self.path.resolve().name


@dataclass(frozen=True)
class Reading:
    """How the user's own data are to be read; the step `prepare` says what each of it means."""

    image_size: int = 0
    bad_files: BadFiles = "refuse"
    group_pattern: str = ""
    windows: Windows = field(default_factory=Windows)


def find_source(dataset: str, data_root: str) -> Source | OwnData:
    """What a data set's name or path stands for; a name of ours comes before a folder of that name.

    Raises:
        SafsError: there is no data set of that name and nothing readable at that path.
    """
    path = os.sep in dataset or "." in dataset or dataset.startswith("~") or Path(dataset).exists()
    if not dataset or dataset in SOURCES or not path:
        return source_named(dataset, data_root)
    return own_data(dataset)


def files_of(source: Source | OwnData, data_root: str) -> Path | str | None:
    """What a data set is read from: a file or folder, or the version of the objects of a bucket; None if it needs none."""
    if isinstance(source, OwnData):
        return source.bucket.version if source.bucket else source.path
    return Path(data_root) if source.needs_root else None


def own_data(dataset: str) -> OwnData:
    """Tell what lies at a path.

    Raises:
        SafsError: nothing does, or it is none of the forms that can be read.
    """
    if "python3" in dataset:
        raise SafsError(f"data set {dataset!r} has 'python3' in its path, which kfp replaces; move or rename it")
    if dataset.startswith("s3://"):
        bucket = list_bucket(dataset)
        return _told_apart(dataset, Listing(Path(), tuple(one.relative for one in bucket.objects), ()), bucket)
    path = Path(dataset).expanduser()
    check_name(path.name, path)
    if path.is_file():
        return _told_apart(dataset, Listing(path.parent, (path.name,), ()), None, path)
    if not path.is_dir():
        raise SafsError(f"data set {dataset!r} does not exist: there is no file or folder of that name")
    return _told_apart(dataset, list_folder(path), None, path)


def _told_apart(dataset: str, listing: Listing, bucket: Bucket | None, path: Path = Path()) -> OwnData:
    """Tell by the names of the files what they hold.

    Raises:
        SafsError: it is none of the forms that can be read, or two of them.
    """
    suffixes = [Path(file).suffix.lower() for file in listing.files]
    images, tables = (any(suffix in kind for suffix in suffixes) for kind in (IMAGES, TABLES))
    if images and tables:
        raise SafsError(
            f"data set {dataset!r} holds images and tables ({', '.join(TABLES)}); keep them in folders of their own"
        )
    if tables or (images and path.is_dir()):
        return OwnData("images" if images else "sensors", path, listing, bucket)
    archives = [file for file, suffix in zip(listing.files, suffixes, strict=True) if suffix == ".npz"]
    if len(archives) == 1:
        return OwnData("npz", path if path.is_file() else path / archives[0], listing, bucket)
    raise SafsError(
        f"data set {dataset!r} holds no data that can be read: images in a folder a class ({', '.join(IMAGES)}), perhaps below "
        f"train, validation and test, tables of sensor rows ({', '.join(TABLES)}), or one .npz file; it has {len(listing.files)} "
        "files"
    )


def read_own(data: OwnData, reading: Reading, report: Report | None = None, room: Room | None = None) -> Found:
    """Read the user's data; of images and tables that outgrow the room the examples lie in its folder.

    Raises:
        SafsError: it is damaged or breaks a rule of its form.
    """
    if data.bucket:
        from safs.data.fetching import fetch

        root = fetch(data.bucket, report)
        data = OwnData(data.kind, root / data.path, list_folder(root))
    if data.kind == "npz":
        from safs.data.npz import read_npz

        return read_npz(data.path)
    if data.kind == "sensors":
        from safs.data.sensors import read_sensors

        return read_sensors(data.listing, reading.windows, report, room)
    from safs.data.image_folder import read_images

    return read_images(data.listing, reading.image_size, reading.bad_files, reading.group_pattern, report, room)
