"""What the surroundings hand to a step: where to report, where to register, where to keep unfinished work."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

if TYPE_CHECKING:
    from safs.data.dataset import DatasetInfo

Value = str | int | float | bool


class Tracker(Protocol):
    """Takes what a step has to report; the step never learns who listens."""

    def child(self, name: str) -> AbstractContextManager[Self]:
        """A tracker for a part of the step: a seed, a trial."""

    def params(self, values: Mapping[str, Value]) -> None:
        """Settings of this step or part."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Measurements; `step` counts epochs or trials."""

    def dataset(self, info: "DatasetInfo") -> None:
        """The data set in use."""

    def file(self, path: Path) -> None:
        """A file worth keeping beside the run, such as a report."""

    def progress(self, done: int, total: int, text: str = "") -> None:
        """How far the step is."""


class Silent:
    """A tracker that nobody listens to."""

    def child(self, name: str) -> AbstractContextManager[Self]:  # noqa: ARG002
        return nullcontext(self)

    def params(self, values: Mapping[str, Value]) -> None: ...

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None: ...

    def dataset(self, info: "DatasetInfo") -> None: ...

    def file(self, path: Path) -> None: ...

    def progress(self, done: int, total: int, text: str = "") -> None: ...


class Registry(Protocol):
    """Keeps chosen models by name and version."""

    def register(self, name: str, package: Path, example: np.ndarray, tags: Mapping[str, str]) -> dict[str, str]:
        """Register a model in all its forms; gives its name, version, uri and alias.

        Args:
            name: the registered model's name.
            package: a folder that `safs.export.packaging` made.
            example: images [batch, channels, height, width], float32 in [0, 1].
            tags: what to write on the version.
        """


class Studies(Protocol):
    """Knows where the records of earlier searches are kept."""

    def fetch(self, reference: str, folder: Path) -> list[Path]:
        """Copy the `study.json` files that a reference names into a folder.

        Raises:
            SafsError: there are none.
        """


@dataclass(frozen=True)
class Context:
    """A step's surroundings.

    Attributes:
        tracker: who is told what happens.
        registry: where `register` puts the model; no other step needs it.
        work: folder for unfinished work that a later try goes on with; beside the output if None.
        studies: where `search` finds earlier searches that it starts from; no other step needs it.
    """

    tracker: Tracker = field(default_factory=Silent)
    registry: Registry | None = None
    work: Path | None = None
    studies: Studies | None = None
