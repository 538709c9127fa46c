"""The compiled pipeline that ships with the package: what you run is what you submit."""

import re
from pathlib import Path

from safs import __version__
from safs.errors import SafsError

IMAGE = f"safs-pipelines:{__version__}"
PIPELINE = Path(__file__).with_name("training.yaml")


def pipeline_text(image: str = "") -> str:
    """The compiled training pipeline as YAML.

    Args:
        image: component image to put in, with its tag or digest; the package's own if empty.

    Raises:
        SafsError: the image is no name of an image.
    """
    text = PIPELINE.read_text(encoding="utf-8")
    if not image:
        return text
    if not re.fullmatch(r"\w[\w.:/@-]*", image, flags=re.ASCII):
        raise SafsError(f"image is {image!r}; write registry.example/team/safs:1, or better its digest @sha256:...")
    return re.sub(rf"^(\s+image: ){re.escape(IMAGE)}$", rf"\g<1>{image}", text, flags=re.M)
