"""Names of the ways to a sparse network, free of torch so that `--help` can list them."""

from typing import Literal

PruneSchedule = Literal["one-shot", "gradual", "iterative"]
