"""What serving a model takes on this machine: milliseconds, bytes, memory, beside the dense model in a dense runtime."""

import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn

from safs.compaction import compact
from safs.data.tensors import load_tensors
from safs.errors import NotCoveredError, SafsError
from safs.evaluation.hosting import Host, host
from safs.export.onnx_file import write_onnx
from safs.export.size import dense_bytes
from safs.export.sparse_file import write
from safs.export.tracing import trace
from safs.models import ModelSpec, load_model

BATCHES = (1, 32)


def measure_serving(data: Path, models: Mapping[str, Path], seconds: float) -> dict[str, Any]:
    """Measure models on one core, each in the runtime that suits it, in turn, so that all of them meet the same load.

    Args:
        data: data set folder; its validation examples are what is predicted.
        models: model folders by name; the one called dense runs in ONNX Runtime, the others in `safs.runtime`, and what
            these do not cover in PyTorch.
        seconds: how long to measure at each batch size.

    Returns:
        By model: host, the runtime's name; bytes, of the file; memory, the peak of a process that serves it, in bytes;
        milliseconds, by batch size, a call's quartiles [25%, 50%, 75%] in CPU time. Beside: processor, threads.

    Raises:
        SafsError: a process that serves a model failed.
    """
    rows = load_tensors(data, "validation").x[: max(BATCHES)]
    x = (rows if rows.ndim == 4 else rows.unsqueeze(2)).numpy()  # a series is an image of one row
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with TemporaryDirectory() as folder:
            found: dict[str, Any] = {}
            hosts: dict[str, Host] = {}
            for name, path in models.items():
                model, spec = load_model(path)
                kind, file, size = _prepare(model, spec, Path(folder) / name, name != "dense")
                hosts[name] = host(kind, file or path)
                memory = _peak(kind, file or path, x[:1], Path(folder) / f"{name}.npy")
                found[name] = {"host": hosts[name].label, "bytes": size, "memory": memory, "milliseconds": {}}
            for batch in BATCHES:
                calls = {name: hosts[name].predict for name in models}
                for name, quartiles in _times(calls, np.resize(x, (batch, *x.shape[1:])), seconds).items():
                    found[name]["milliseconds"][str(batch)] = quartiles
    finally:
        torch.set_num_threads(threads)
    return {"models": found, "processor": processor(), "threads": 1}


def processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _prepare(model: nn.Module, spec: ModelSpec, stem: Path, sparse: bool) -> tuple[str, Path | None, int]:
    """The kind of host, the file that it loads, and the bytes of what is stored."""
    try:
        if sparse:
            file = stem.with_suffix(".safs")
            return "safs", file, write(file, trace(compact(model, spec.input_shape).model, spec))
        import onnxruntime  # noqa: F401

        file = stem.with_suffix(".onnx")
        write_onnx(file, trace(model, spec))
    except (NotCoveredError, ImportError):
        return "torch", None, dense_bytes(model)
    return "onnxruntime", file, dense_bytes(model)


def _times(calls: Mapping[str, Callable[[Any], Any]], x: np.ndarray, seconds: float) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for predict in calls.values():
        predict(x)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken[next(iter(calls))]) < 5:
        for name, predict in calls.items():
            start = time.thread_time()
            predict(x)
            taken[name].append(1e3 * (time.thread_time() - start))
    return {name: [float(q) for q in np.percentile(values, [25, 50, 75])] for name, values in taken.items()}


def _peak(kind: str, file: Path, x: np.ndarray, saved: Path) -> int:
    """Peak memory in bytes of a fresh process that loads a model and predicts once."""
    np.save(saved, x)
    command = [sys.executable, "-m", "safs.evaluation.hosting", kind, str(file), str(saved)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        raise SafsError(f"a process that serves {file.name} failed: {' '.join(done.stderr.split())[-300:]}")
    return int(done.stdout)
