"""Where examples are put while a source is read: in memory, or beyond a budget in files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safs.data.rows import OnDisk, Rows, chunks

TWICE = 2  # joining what was read takes its size once more


class Room:
    """How much memory the examples of a source may take, and the folder for what goes beyond it.

    Args:
        limit: bytes.
        folder: where the files go; it must be there once the limit is reached.
    """

    def __init__(self, limit: float = float("inf"), folder: Path = Path()) -> None:
        self.limit, self.folder = limit, folder
        self.held = self.piles = 0

    def pile(self) -> "Pile":
        """A new pile in this room."""
        self.piles += 1
        return Pile(self, self.folder / f"pile-{self.piles}.raw")


class Pile:
    """Takes examples of one shape, one or more at a time.

    Args:
        room: what all piles share.
        file: where the examples go once the room is full.
    """

    def __init__(self, room: Room, file: Path) -> None:
        self.room, self.file = room, file
        self.parts: list[NDArray[Any]] = []
        self.shape: tuple[int, ...] = ()
        self.count, self.stored = 0, False

    def __len__(self) -> int:
        return self.count

    def add(self, examples: NDArray[Any]) -> None:
        """Put examples [count, ...] on top."""
        self.count += len(examples)
        self.shape, self.dtype = examples.shape[1:], examples.dtype
        self.parts.append(examples)
        self.room.held += examples.nbytes
        if self.stored or TWICE * self.room.held > self.room.limit:
            self._store()

    def _store(self) -> None:
        with self.file.open("ab" if self.stored else "wb") as file:
            for part in self.parts:
                file.write(np.ascontiguousarray(part).data)
        self.room.held -= sum(part.nbytes for part in self.parts)
        self.parts, self.stored = [], True

    def rows(self) -> Rows:
        """All of it; nothing may be added any more."""
        if self.stored:
            return OnDisk(self.file, (self.count, *self.shape), self.dtype)
        return np.concatenate(self.parts)


def joined(room: Room, piles: Sequence[Pile], channels: int) -> Rows:
    """The examples of several piles as those of one, each with so many channels: a single one is repeated."""
    if len(piles) == 1 and piles[0].shape[0] == channels:
        return piles[0].rows()
    whole = room.pile()
    for pile in piles:
        for examples in chunks(pile.rows()):
            whole.add(np.ascontiguousarray(np.broadcast_to(examples, (len(examples), channels, *examples.shape[2:]))))
    return whole.rows()
