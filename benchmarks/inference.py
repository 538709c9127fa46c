"""How fast the sparse runtime is beside other runtimes: `python -m benchmarks.inference MNIST CIFAR10 WORK`, one core.

The networks are trained, if shortly, and pruned by the steps of the pipeline. Every way of running them is a process of its
own that measures itself (`benchmarks/peers.py`), and they take turns; what cannot run here is skipped with its reason. Dense
runtimes get the dense network; deepsparse, which uses zeros, gets the masked one. Times are CPU time, which other work on the
machine does not count in: median and quartiles of the calls.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.networks import pruned, relative_error, trained
from benchmarks.workshop import RESULTS, Workshop, keep
from safs.compaction import compact
from safs.data.tensors import load_tensors
from safs.export.onnx_file import write_onnx
from safs.export.size import dense_bytes
from safs.export.sparse_file import write
from safs.export.tracing import trace
from safs.files import read_json
from safs.models import ModelSpec, load_model

ROUNDS = 16
BATCHES = (1, 32)


class Peer:
    """A process that runs one network in one way.

    Raises:
        RuntimeError: it cannot; the last line it printed says why.
    """

    def __init__(self, python: str, name: str, path: Path, images: Path, threads: int = 1) -> None:
        script = Path(__file__).with_name("peers.py")
        self.log = images.with_suffix(f".{name}.log")
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "NM_DISABLE_ANALYTICS": "1"}
        self.process = subprocess.Popen(  # noqa: S603 - the interpreter is the caller's own
            [python, str(script), name, str(path), str(images), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("w"),
            text=True,
            env=environment,
        )
        self.read()

    def read(self) -> str:
        """The next line it says."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            said = self.log.read_text().strip().splitlines() or ["it ended without a word"]
            raise RuntimeError(said[-1])
        return line

    def times(self, batch: int, seconds: float) -> dict[str, list[float]]:
        """CPU and wall milliseconds of each call in that time."""
        assert self.process.stdin
        self.process.stdin.write(f"{batch} {seconds}\n")
        self.process.stdin.flush()
        found: dict[str, list[float]] = json.loads(self.read())
        return found

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def multiply_adds(model: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiplications with weights that are not zero, for one image."""
    total = 0

    def count(layer: nn.Module, _: Any, out: torch.Tensor) -> None:
        nonlocal total
        total += int(layer.weight.count_nonzero()) * out[0, 0].numel() if out.ndim > 2 else 0
        total += int(layer.weight.count_nonzero()) if out.ndim == 2 else 0

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    with torch.no_grad():
        model.eval()(torch.zeros(1, *shape))
    for hook in hooks:
        hook.remove()
    return total


def peak() -> float:
    """Multiply-adds a millisecond of this core: the fastest of products of dense matrices."""
    a = np.ones((1024, 1024), np.float32)
    best = np.inf
    for _ in range(12):
        start = time.thread_time()
        a @ a
        best = min(best, time.thread_time() - start)
    return 1024**3 / best / 1e3


def export(folder: Path, name: str, model: nn.Module, spec: ModelSpec) -> tuple[Path, dict[str, Any], nn.Module]:
    """Write a network for our runtime; gives what that saved, and what is left of it."""
    small = compact(model, spec.input_shape)
    size = write(folder / f"{name}.safs", trace(small.model, spec))
    facts = {"times_smaller": dense_bytes(model) / size, "removed_units": sum(small.removed.values())}
    return folder / f"{name}.safs", facts, small.model


def compare(
    workshop: Workshop, data: Path, dense: Path, sparsity: float, scope: str, given: argparse.Namespace
) -> dict[str, Any]:
    """All figures of one network and mask."""
    masked, spec = pruned(workshop, data, dense, sparsity, scope)
    learnt, learnt_spec = pruned(workshop, data, dense, sparsity, scope, learnt=True)
    images = load_tensors(data, "validation").x[: max(BATCHES)].numpy()
    with TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "x.npy", images)
        sparse_file, facts, left = export(folder, "masked", masked, spec)
        learnt_file, _, _ = export(folder, "learnt", learnt, learnt_spec)
        write_onnx(folder / "dense.onnx", trace(load_model(dense / "seed-0")[0].eval(), spec))
        write_onnx(folder / "masked.onnx", trace(masked, spec))
        wanted = {
            "safs": (sys.executable, "safs", sparse_file, 1),
            "safs learnt": (sys.executable, "safs", learnt_file, 1),
            "safs two cores": (sys.executable, "safs", sparse_file, 2),
            "onnxruntime": (sys.executable, "onnxruntime", folder / "dense.onnx", 1),
            "openvino": (sys.executable, "openvino", folder / "dense.onnx", 1),
            "deepsparse": (given.deepsparse, "deepsparse", folder / "masked.onnx", 1),
            "torch": (sys.executable, "torch", dense / "seed-0", 1),
        }
        peers, skipped = {}, {}
        for label, (python, kind, path, threads) in wanted.items():
            try:
                if not python:
                    raise RuntimeError("no interpreter that has it was named")
                peers[label] = Peer(python, kind, path, folder / "x.npy", threads)
            except RuntimeError as error:
                skipped[label] = str(error)
        times = {str(batch): take_turns(peers, batch, given.seconds, skipped) for batch in BATCHES}
        for peer in peers.values():
            peer.close()
        return {
            **facts,
            "multiply_adds": multiply_adds(left, spec.input_shape),
            "relative_errors": {
                "original": relative_error(sparse_file, masked, images),
                "learnt": relative_error(learnt_file, learnt, images),
            },
            "milliseconds": times,
            "skipped": skipped,
        }


def take_turns(peers: dict[str, Peer], batch: int, seconds: float, skipped: dict[str, str]) -> dict[str, Any]:
    """Median and quartiles of CPU time by peer, and of wall time where there are two cores."""
    found: dict[str, list[float]] = {label: [] for label in peers}
    wall: dict[str, list[float]] = {label: [] for label in ("safs", "safs two cores") if label in peers}
    for _ in range(ROUNDS):
        for label, peer in list(peers.items()):
            try:
                taken = peer.times(batch, seconds / ROUNDS)
            except RuntimeError as error:
                skipped[label] = str(error)
                del peers[label]
                continue
            found[label] += taken["cpu"]
            if label in wall:
                wall[label] += taken["wall"]
    measured = {label: np.percentile(values, [50, 25, 75]).tolist() for label, values in found.items() if values}
    measured.pop("safs two cores", None)
    return {**measured, "wall": {label: float(np.median(values)) for label, values in wall.items()}}


def show(title: str, row: dict[str, Any]) -> None:
    """Print a network's figures."""
    print(f"{title}: file 1/{row['times_smaller']:.0f}, {row['removed_units']} units out, {row['skipped'] or ''}")
    for batch, times in row["milliseconds"].items():
        ours = times["safs"][0]
        cells = [f"{label} {v[0]:.3f} [{v[1]:.3f}, {v[2]:.3f}]" for label, v in times.items() if label != "wall"]
        ratios = [f"{v[0] / ours:.1f} x {label}" for label, v in times.items() if label not in ("wall", "safs")]
        cores = times["wall"]["safs"] / times["wall"]["safs two cores"]
        print(f"  batch {batch}: {', '.join(cells)} ms; {', '.join(ratios)}; two cores {cores:.2f} times", flush=True)


def main() -> None:
    """Measure, print, and keep what was measured beside what earlier runs have kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("cifar10", type=Path)
    parser.add_argument("work", type=Path, help="folder for trained networks, which a later run takes again")
    models = ["lenet5", "vgg16", "resnet18", "efficientnet_b0"]
    parser.add_argument("--models", nargs="+", default=models, choices=models)
    parser.add_argument("--sparsities", nargs="+", type=float, default=[0.9, 0.95, 0.99])
    parser.add_argument("--scopes", nargs="+", default=["layerwise", "global"])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each peer and batch size")
    parser.add_argument("--deepsparse", default="", help="an interpreter that has deepsparse")
    given = parser.parse_args()
    torch.set_num_threads(1)
    workshop, kept = Workshop(given.work), RESULTS / "inference.json"
    rows = read_json(kept)["rows"] if kept.exists() else {}
    for architecture in given.models:
        data, dense = trained(workshop, architecture, given.mnist, given.cifar10)
        for scope in given.scopes:
            for sparsity in given.sparsities:
                title = f"{architecture} {sparsity:.0%} {scope}"
                rows[title] = compare(workshop, data, dense, sparsity, scope, given)
                show(title, rows[title])
                keep("inference", {"multiply_adds_a_millisecond": peak(), "rows": rows})


if __name__ == "__main__":
    main()
