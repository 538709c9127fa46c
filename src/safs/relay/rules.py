"""What an event sets off, from a file; a request only chooses among what stands there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safs.errors import SafsError, unknown
from safs.files import read_yaml

KEYS = ("on", "model", "alias", "dispatch", "run")
COMMANDS = ("promote", "retrain", "audit", "monitor")


@dataclass(frozen=True)
class Rule:
    """What is done at an event.

    Attributes:
        on: the event, such as `model_version_alias.created`.
        model: the registered model that it must be about; any if empty.
        alias: the alias that it must be about; any if empty.
        dispatch: type of the `repository_dispatch` event that GitHub is sent.
        run: a `safs` command and its arguments.
    """

    on: str
    model: str = ""
    alias: str = ""
    dispatch: str = ""
    run: tuple[str, ...] = ()

    def fits(self, event: dict[str, Any]) -> bool:
        """Whether an event sets this off."""
        data = event["data"]
        return (
            f"{event['entity']}.{event['action']}" == self.on
            and self.model in ("", data.get("name"))
            and self.alias in ("", data.get("alias"))
        )


def read_rules(path: Path) -> list[Rule]:
    """Rules from a YAML file.

    Example:
        rules:
          - on: model_version_alias.created
            alias: challenger
            run: [promote, --data, /data/digits]

    Raises:
        SafsError: the file is missing or no YAML, or a rule is not one.
    """
    content = read_yaml(path, "such as `rules: [...]`")
    for key in content:
        if key != "rules":
            raise unknown("entry", str(key), ["rules"])
    raw = content["rules"]
    if not isinstance(raw, list) or not raw:
        raise SafsError(f"{path} has no rules; it holds a list of them")
    return [_rule(entry, f"{path}, rule {number}") for number, entry in enumerate(raw, start=1)]


def _rule(raw: Any, where: str) -> Rule:
    if not isinstance(raw, dict):
        raise SafsError(f"{where} is {raw!r}; it has names with values, such as `on: model_version_alias.created`")
    raw = {("on" if key is True else key): value for key, value in raw.items()}  # YAML 1.1 takes a bare `on` for true
    for key in raw:
        if key not in KEYS:
            raise unknown("entry of a rule", str(key), KEYS)
    run = raw.get("run", [])
    if not isinstance(run, list) or not all(isinstance(word, str | int | float) for word in run):
        raise SafsError(f"{where}: run is {run!r}; it is a list of words, such as [promote, --data, data]")
    if run and run[0] not in COMMANDS:
        raise unknown("command", str(run[0]), COMMANDS)
    texts = {key: raw.get(key, "") for key in ("on", "model", "alias", "dispatch")}
    if not all(isinstance(text, str) for text in texts.values()) or "." not in texts["on"]:
        raise SafsError(f"{where}: on names an event, such as model_version_alias.created; it is {texts['on']!r}")
    if bool(run) == bool(texts["dispatch"]):
        raise SafsError(f"{where} has either a dispatch or a run")
    return Rule(**texts, run=tuple(str(word) for word in run))
