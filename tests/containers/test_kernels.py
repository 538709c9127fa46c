"""What the images do so that kernels are compiled once, when they are built."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONTAINERS = Path(__file__).parents[2] / "containers"


def inside(code, *arguments):
    """What a Python of the images prints."""
    environment = os.environ | {"PYTHONPATH": str(CONTAINERS)}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_compiled_kernels_go_into_the_cache_and_what_is_there_stays(tmp_path):
    kernels, cache = tmp_path / "kernels", tmp_path / "cache" / "numba"
    for name in ("native_1", "runtime_2"):
        (kernels / name).mkdir(parents=True)
        (kernels / name / "kernels.nbi").write_text("of the image")
    (cache / "native_1").mkdir(parents=True)
    (cache / "native_1" / "kernels.nbi").write_text("newer")
    code = "import sys, sitecustomize as s; s.offer(s.Path(sys.argv[1]), s.Path(sys.argv[2]))"
    inside(code, kernels, cache)
    assert sorted(path.name for path in cache.iterdir()) == ["native_1", "runtime_2"]
    assert (cache / "native_1" / "kernels.nbi").read_text() == "newer"
    assert (cache / "runtime_2" / "kernels.nbi").read_text() == "of the image"


@pytest.mark.parametrize(
    ("cpuinfo", "able"),
    [
        ("processor: 0\nflags\t\t: fpu abm avx avx2 bmi1 bmi2 f16c fma movbe\n", "True"),
        ("processor: 0\nflags\t\t: fpu avx\n", "False"),
        ("processor: 0\nFeatures\t: fp asimd\n", "False"),
    ],
)
def test_only_a_processor_that_runs_the_kernels_is_given_them(tmp_path, cpuinfo, able):
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    code = "import sys, sitecustomize as s; print(s.able(s.Path(sys.argv[1])))"
    assert inside(code, tmp_path / "cpuinfo") == [able]
