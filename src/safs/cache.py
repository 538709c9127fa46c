"""Where is kept what can be made or fetched again."""

import os
from pathlib import Path

CACHE = "SAFS_CACHE"


def cache_folder() -> Path:
    """`SAFS_CACHE`, or `~/.cache/safs`."""
    return Path(os.environ.get(CACHE) or Path("~/.cache/safs").expanduser())
