"""Files that are either whole or absent, and the fingerprints that tell them apart."""

import hashlib
import json
import shutil
from errno import EXDEV
from functools import cache
from pathlib import Path
from typing import Any

from safs.errors import SafsError

COST = "cost.json"  # how long it took to make a folder; the same result may take longer
CHUNK = 1 << 20  # bytes that are read at a time


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON beside `path`, then rename, so a reader never sees half of it."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) beside `path`, then rename."""
    beside = path.with_name(f".{path.name}.partial")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        SafsError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise SafsError(f"{path} does not exist; is {path.parent} the output of the step before?") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SafsError(f"{path} is not valid JSON ({error}); make it again") from None


def read_yaml(path: Path, example: str) -> dict[str, Any]:
    """Read names with values from a YAML file.

    Args:
        path: the file.
        example: what a line of it looks like, for the error.

    Raises:
        SafsError: the file is missing, is not YAML, or holds something else.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SafsError(f"config file {str(path)!r} does not exist") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SafsError(f"config file {str(path)!r} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise SafsError(f"config file {str(path)!r} holds no names with values, {example}")
    return content


def read_fields(path: Path, **fields: type) -> dict[str, Any]:
    """Read a JSON object that must have certain fields.

    Args:
        path: the file.
        fields: the type of each field that must be there.

    Raises:
        SafsError: the file is missing or is not JSON, or a field is missing or of another type.
    """
    content = read_json(path)
    for name, kind in fields.items():
        value = content.get(name) if isinstance(content, dict) else None
        if not isinstance(value, kind):
            raise SafsError(f"{path} has no {name!r} of type {kind.__name__}; make it again")
    return dict(content)


def move_folder(source: Path, target: Path) -> None:
    """Move a finished folder to `target` so that `target` appears whole, across file systems too.

    Raises:
        SafsError: `target` already holds something.
    """
    check_free(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rmdir()
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != EXDEV:
            raise
        beside = target.with_name(f".{target.name}.partial")  # another file system, or another mount of the same one
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(source, beside)
        shutil.rmtree(source)
        beside.replace(target)


def check_free(target: Path) -> None:
    """Refuse an output folder that already holds something, so that nothing is overwritten.

    Raises:
        SafsError: `target` is a file or a folder that is not empty.
    """
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists():
        raise SafsError(f"output {str(target)!r} already exists; name another folder or remove it")


def fingerprint(path: Path) -> str:
    """SHA-256 over the names and bytes of a file or of all files below a folder, but for what making it has cost.

    Raises:
        SafsError: there is nothing at `path`.
    """
    if not path.exists():
        raise SafsError(f"input {str(path)!r} does not exist; give the output folder of an earlier step")
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and p.name != COST)
    for file in files:
        name = file.relative_to(path).as_posix()
        digest.update(f"{name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as content:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


@cache
def code_version() -> str:
    """Fingerprint of the installed package's own source: a cache keyed by it serves nothing stale."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
