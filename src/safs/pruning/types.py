"""Names of pruning choices, free of torch so that `--help` can list them."""

from typing import Literal

Scope = Literal["layerwise", "global", "erk", "lamp"]
Criterion = Literal["magnitude", "gradient"]
