"""The runtime in a process of its own: what it imports, and that its code is compiled once."""

import subprocess
import sys

import numpy as np
import pytest

from safs.export.sparse_file import write
from safs.export.tracing import trace
from safs.runtime import Model
from tests.export.exported_networks import branches

FORBIDDEN = ("numba", "scipy", "torch", "kfp", "mlflow", "sklearn", "pandas", "matplotlib", "pydantic", "safetensors")

PROGRAM = f"""
import sys, numpy as np
import safs.runtime
model = safs.runtime.load(sys.argv[1], threads=2)
np.save(sys.argv[2], model.predict(np.load(sys.argv[3])))
found = [name for name in {FORBIDDEN} if name in sys.modules]
assert not found, found
"""


@pytest.mark.parametrize("count", [1, 20])
def test_a_process_that_predicts_imports_no_training_framework(tmp_path, count):
    model, spec = branches(1)
    network = trace(model, spec)
    write(tmp_path / "model.safs", network)
    x = np.random.default_rng(0).standard_normal((count, *spec.input_shape)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    wanted = Model(network).predict(x)  # the code is compiled by now
    command = [sys.executable, "-c", PROGRAM, *(str(tmp_path / name) for name in ("model.safs", "y.npy", "x.npy"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.load(tmp_path / "y.npy"), wanted)
