"""A data set beyond the memory budget is prepared in bounded memory and is the same to the bit."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from safs.data.pile import Pile
from safs.files import fingerprint
from safs.steps.prepare import prepare
from tests.data import own_data, tables

TINY = 1e-7  # GiB
COUNT, SIDE = 320, 256
FILES, ROWS, LENGTH = 8, 2000, 512
BYTES = {"images": COUNT * SIDE * SIDE * 3, "parquet": FILES * (ROWS - LENGTH) * 2 * LENGTH * 4}  # 63 MB and 49 MB
CHILD = """
import json, sys
from pathlib import Path
from safs.steps.prepare import prepare

def memory(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))

small, large, out, budget, options = sys.argv[1:]
prepare(Path(out, "small"), small)
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = memory("VmRSS")
prepare(Path(out, "large"), large, memory_gib=float(budget), **json.loads(options))
print(1024 * (memory("VmHWM") - before))
"""


def images(root: Path) -> Path:
    """Grey and colour images, some of them equal, in two classes."""
    own_data.image_folder(root, count=30)
    for number in range(9):
        own_data.image(root / "cat" / f"grey-{number}.png", number % 6, mode="L")
    return root


SOURCES = {
    "images": (images, {"max_examples": 50}),
    "divided": (own_data.divided_folder, {}),
    "csv": (tables.runs, {"window": 8, "stride": 2}),
    "parquet": (lambda root: tables.runs(root, suffix=".parquet"), {"window": 8, "stride": 1}),
    "deviation": (tables.runs, {"window": 8, "stride": 3, "scaling": "deviation", "balance": True}),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_budget_changes_nothing(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    make, options = SOURCES[name]
    source = str(make(tmp_path / "source"))
    prepare(tmp_path / "memory", source, memory_gib=1, **options)
    seen = []
    monkeypatch.setattr("safs.data.pile.Pile.rows", lambda pile, rows=Pile.rows: seen.append(pile.stored) or rows(pile))
    prepare(tmp_path / "disk", source, memory_gib=TINY, **options)
    assert seen
    assert all(seen)
    assert fingerprint(tmp_path / "disk") == fingerprint(tmp_path / "memory")  # names and bytes of all files


def many_images(root: Path, count: int = COUNT) -> dict[str, Any]:
    """Images that are small as files, none like another; gives how to read them."""
    for number in range(count):
        path = root / str(number % 2) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((SIDE, SIDE, 3), number % 251, np.uint8)
        pixels[0, :2] = divmod(number, 256)[0], number % 256, 7
        Image.fromarray(pixels).save(path, compress_level=1)
    return {}


def long_tables(root: Path, rows: int = ROWS) -> dict[str, Any]:
    """Tables whose windows overlap nearly wholly; gives how to read them."""
    for number in range(FILES):
        tables.write(root / f"{number}.parquet", tables.rows(rows, number))
    return {"window": LENGTH, "stride": 1, "scaling": "deviation"}


def peak(tmp_path: Path, budget: float, options: dict[str, Any]) -> int:
    """Bytes by which preparing a large folder raises the peak memory of a process."""
    out = tmp_path / f"out-{budget}"
    arguments = [str(tmp_path / "small"), str(tmp_path / "large"), str(out), str(budget), json.dumps(options)]
    done = subprocess.run([sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.integration
@pytest.mark.parametrize(("name", "make"), [("images", many_images), ("parquet", long_tables)])
def test_memory_is_bounded(tmp_path: Path, name: str, make: Callable[..., dict[str, Any]]):
    options = make(tmp_path / "large")
    make(tmp_path / "small", 20 if name == "images" else 530)
    streamed, held = peak(tmp_path, TINY, options), peak(tmp_path, 1, options)
    assert streamed < 0.8 * BYTES[name] < 1.6 * BYTES[name] < held
    assert fingerprint(tmp_path / f"out-{TINY}") == fingerprint(tmp_path / "out-1")
