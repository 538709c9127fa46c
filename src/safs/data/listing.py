"""The files of a user's folder, looked at before any of them is opened."""

import os
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from safs.errors import SafsError

IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}
LONGEST = 200


@dataclass(frozen=True)
class Listing:
    """What a folder holds, by path relative to it, sorted.

    Attributes:
        root: the folder.
        files: regular files, or links to regular files inside of the folder.
        folders: folders, the empty ones too.
    """

    root: Path
    files: tuple[str, ...]
    folders: tuple[str, ...]


def list_folder(root: Path) -> Listing:
    """List all files below a folder; hidden ones and those that operating systems leave behind are left out.

    Raises:
        SafsError: a name is not UTF-8 or has control characters, a link leads out of the folder or to a folder, or an
            entry is no file (a pipe would be waited for without end).
    """
    files, folders, inside = [], [], root.resolve()
    for folder, names, entries in os.walk(root, onerror=_unreadable):
        names[:] = sorted(name for name in names if not is_ignored(name))
        for name in names:
            path = Path(folder, name)
            check_name(name, path)
            if path.is_symlink():
                raise SafsError(f"{path} is a link to a folder; put the folder itself there")
            folders.append(path.relative_to(root).as_posix())
        for name in entries:
            if is_ignored(name):
                continue
            path = Path(folder, name)
            check_name(name, path)
            _check_file(path, inside)
            files.append(path.relative_to(root).as_posix())
    return Listing(root, tuple(sorted(files)), tuple(sorted(folders)))


def check_name(name: str, path: Path | str) -> None:
    """Check that a name can be written down.

    Raises:
        SafsError: it is not UTF-8, has control characters, or is too long.
    """
    shown = str(path).encode("utf-8", "backslashreplace").decode()
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise SafsError(f"the name {shown!r} is not UTF-8; rename it") from None
    if any(unicodedata.category(letter) == "Cc" for letter in name) or len(name) > LONGEST:
        raise SafsError(f"the name {shown!r} has control characters or more than {LONGEST} letters; rename it")


def is_ignored(name: str) -> bool:
    """Whether a file is hidden or one that operating systems leave behind."""
    return name.startswith(".") or name.lower() in IGNORED


def _check_file(path: Path, inside: Path) -> None:
    try:
        if path.is_symlink() and not path.resolve(strict=True).is_relative_to(inside):
            raise SafsError(f"{path} is a link out of the folder {str(inside)!r}; put the file itself there")
        mode = path.stat().st_mode
    except (OSError, RuntimeError) as error:
        raise SafsError(f"{path} is a link to nothing or cannot be looked at ({error}); remove it") from None
    if not stat.S_ISREG(mode):
        raise SafsError(f"{path} is not a regular file but a pipe, socket or device; remove it")


def _unreadable(error: OSError) -> None:
    raise SafsError(f"the folder {error.filename!r} cannot be read: {error.strerror}") from None
