"""Every Python of the images runs this: kernels that the build compiled serve wherever the processor can run them.

They are compiled for x86-64-v3, not for the machine of the build. Any other processor compiles its own, as without an image.
"""

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

KERNELS = Path("/opt/kernels")
TARGET = "x86-64-v3"
NEEDED = {"abm", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"}  # what the target has beyond its forerunner


def able(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor runs what is compiled for the target."""
    found = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text(), flags=re.M)
    return found is not None and set(found[1].split()) >= NEEDED


def offer(kernels: Path, cache: Path) -> None:
    """Put compiled kernels into Numba's cache, which must be writable; folders that are there already stay."""
    cache.mkdir(parents=True, exist_ok=True)
    for folder in kernels.iterdir():
        if (cache / folder.name).exists():
            continue
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            copy = shutil.copytree(folder, Path(temporary) / folder.name)
            with contextlib.suppress(OSError):  # another process was faster
                copy.rename(cache / folder.name)


with contextlib.suppress(OSError):  # nowhere to write: Numba compiles
    if "NUMBA_CPU_NAME" not in os.environ and able():
        os.environ |= {"NUMBA_CPU_NAME": TARGET, "NUMBA_CPU_FEATURES": ""}
        if KERNELS.is_dir() and os.environ.get("NUMBA_CACHE_DIR"):
            offer(KERNELS, Path(os.environ["NUMBA_CACHE_DIR"]))
