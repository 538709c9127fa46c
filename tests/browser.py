"""Pages in a real browser without a screen: Debian's chromium, if it is there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --no-first-run "
    "--enable-logging=stderr --virtual-time-budget=5000"
)


def console(page: Path, folder: Path, width: int = 1440) -> list[str]:
    """What the browser says about a page: errors, and every request that its policy refuses.

    Args:
        page: an HTML file.
        folder: where the browser keeps what it keeps, and a picture of the page.
        width: of the window, in pixels.
    """
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip(f"no browser here: {', '.join(NAMES)}")
    places = [f"--user-data-dir={folder}", f"--screenshot={folder / 'page.png'}", f"--window-size={width},2400"]
    command = [browser, *QUIET.split(), *places, page.absolute().as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert (folder / "page.png").stat().st_size > 5000, done.stderr
    return re.findall(r"CONSOLE.*", done.stderr)
