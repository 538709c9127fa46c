"""Files that a person writes for the cluster: YAML, checked against a model that refuses unknown keys."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from safs.errors import SafsError, unknown
from safs.files import read_yaml

Content = TypeVar("Content", bound="Checked")


class Checked(BaseModel):
    """A part of such a file; a key that is not known is refused, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_checked(path: Path, what: str, example: str, kind: type[Content]) -> Content:
    """Read a YAML file into a model.

    Raises:
        SafsError: a key is unknown or a value breaks its rule; the error names both, and the nearest known key.
    """
    content = read_yaml(path, f"such as `{example}`")
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise SafsError(f"{what} {str(path)!r}: {unknown('key', where, _keys(kind, first['loc']))}") from None
        rule = first["msg"].removeprefix("Value error, ")
        rule = rule[0].lower() + rule[1:] if rule[1].islower() else rule
        got = (
            f" is {first['input']!r}" if isinstance(first["input"], str | int | float) else ""
        )  # no maps: secrets perhaps
        raise SafsError(f"{what} {str(path)!r}: {where}{got}: {rule}") from None


def _keys(kind: type[BaseModel], place: Iterable[str | int]) -> list[str]:
    """The keys that are known where an unknown one stands, with the way to them."""
    from typing import get_args

    *way, _ = place
    at: Any = kind
    for part in way:
        fields = at.model_fields if isinstance(at, type) and issubclass(at, BaseModel) else {}
        annotation = fields[part].annotation if part in fields else at
        models = [one for one in _flat(annotation, get_args) if isinstance(one, type) and issubclass(one, BaseModel)]
        at = models[0] if models else at
    prefix = "".join(f"{part}." for part in way)
    return [f"{prefix}{name}" for name in at.model_fields]


def _flat(annotation: Any, arguments: Any) -> list[Any]:
    inner = arguments(annotation)
    return [one for part in inner for one in _flat(part, arguments)] if inner else [annotation]


def read_secret(path: str, variable: str) -> str:
    """Read a secret that a variable of the environment points to.

    Raises:
        SafsError: the file is not there.
    """
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SafsError(f"{variable} names {path!r}, which cannot be read ({error.strerror})") from None
