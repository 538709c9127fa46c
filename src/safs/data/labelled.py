"""Examples as a user's source holds them: with names of classes, and perhaps of groups, before any split."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from safs.data.dataset import Part
from safs.data.rows import Rows

BadFiles = Literal["refuse", "skip"]
Report = Callable[[int, int, str], None]
"""Called with how much is done, of how much, and of what."""


@dataclass(frozen=True)
class Labelled:
    """Examples that lie together.

    Attributes:
        x: images [count, channels, height, width], uint8, or series [count, channels, length], float32.
        names: the class of each.
        groups: what must not be split up: the person, the machine, the run of each; empty if nothing is known.
    """

    x: Rows
    names: tuple[str, ...]
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """What a source holds.

    Attributes:
        parts: the parts that the source itself tells apart; a source that does not has all in `train`.
        notes: what was done to the data that a reader should know, in sentences.
        joined: equal examples are one group; false where they are common, as in series of a machine that stands still.
        channels: what the channels are called, if they have names.
    """

    parts: Mapping[Part, Labelled]
    notes: tuple[str, ...] = ()
    joined: bool = True
    channels: tuple[str, ...] = ()
