"""Trackers that write down what they are told, or end the step."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from safs.data import DatasetInfo
from safs.steps.context import Silent
from tests.chain import KilledError


class Recorder(Silent):
    """Writes down what a step reports; with `stop`, ends the step at that progress report."""

    def __init__(self, stop: int = 0) -> None:
        self.stop = stop
        self.children: list[str] = []
        self.seen: dict[str, float] = {}
        self.done: list[tuple[int, int]] = []
        self.files: list[Path] = []
        self.datasets: list[tuple[str, str]] = []

    @contextmanager
    def child(self, name: str) -> Iterator[Self]:
        self.children.append(name)
        yield self

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        self.seen.update(values)

    def dataset(self, info: DatasetInfo) -> None:
        self.datasets.append((info.name, info.fingerprint))

    def file(self, path: Path) -> None:
        assert path.is_file()
        self.files.append(path)

    def progress(self, done: int, total: int, text: str = "") -> None:
        self.done.append((done, total))
        if len(self.done) == self.stop:
            raise KilledError
