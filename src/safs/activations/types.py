"""Names that step signatures need; free of torch."""

from typing import Literal

Scales = Literal["fixed", "layer", "channel"]
SCALES: tuple[Scales, ...] = ("fixed", "layer", "channel")
