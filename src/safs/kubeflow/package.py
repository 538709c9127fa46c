"""The compiled pipeline that ships with the package: what you run is what you submit."""

import re
from pathlib import Path

from safs import __version__

PIPELINE = Path(__file__).with_name("training.yaml")


def pipeline_text(image: str = "") -> str:
    """The compiled training pipeline as YAML.

    Args:
        image: component image to put in, with its tag or digest; the package's own if empty.
    """
    text = PIPELINE.read_text(encoding="utf-8")
    if not image:
        return text
    return re.sub(rf"^(\s+image: )safs-pipelines:{re.escape(__version__)}$", rf"\g<1>{image}", text, flags=re.M)
