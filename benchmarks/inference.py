"""How fast the sparse runtime is beside dense runtimes: `python -m benchmarks.inference`, one core, all in one run.

Networks have random weights whose filters differ in size, as trained ones do, and masks by magnitude; what a peer cannot
do is skipped with its reason. Times are medians of alternating calls in CPU time, which other work on the machine does not count in, and their
quartiles.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import nn

from safs.compaction import compact
from safs.errors import SafsError
from safs.export.onnx_file import write_onnx
from safs.export.size import dense_bytes
from safs.export.sparse_file import write
from safs.export.tracing import trace
from safs.models import ModelSpec, fresh_model
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks
from safs.runtime import load

Predict = Callable[[np.ndarray], np.ndarray]
SHAPES = {"lenet5": (1, 28, 28), "vgg16": (3, 32, 32), "resnet18": (3, 32, 32), "efficientnet_b0": (3, 224, 224)}


def network(architecture: str, operator: str, seed: int = 0) -> tuple[nn.Module, ModelSpec]:
    """A dense network whose filters and channels differ in size, with statistics like those of a trained one."""
    shape = SHAPES[architecture]
    spec = ModelSpec(architecture, shape, tuple("0123456789"), (0.0,) * shape[0], (1.0,) * shape[0], seed=seed)
    model = fresh_model(spec)
    if operator != "relu":
        from safs.activations import activation_sites, set_activations

        set_activations(model, dict.fromkeys(activation_sites(model), operator), "layer")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                weight = module.weight
                for axis in (0, 1):
                    sizes = torch.exp(0.5 * torch.randn(weight.shape[axis], generator=generator))
                    weight.mul_(sizes.view([-1 if a == axis else 1 for a in range(weight.dim())]))
            elif isinstance(module, nn.BatchNorm2d):
                module.weight.copy_(0.5 + torch.rand(module.weight.shape, generator=generator))
                module.bias.copy_(0.3 * torch.randn(module.bias.shape, generator=generator))
    return model.eval(), spec


def settle(model: nn.Module, shape: tuple[int, ...]) -> None:
    """Give batch normalisation the statistics of the pruned network, as training would, so that the signal lives."""
    model.train()
    with torch.no_grad():
        for _ in range(3):
            for module in model.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.momentum = None
            model(torch.randn(16, *shape))
    model.eval()


def onnxruntime_dense(path: Path) -> Predict:
    """ONNX Runtime on one core.

    Raises:
        ImportError: it is not installed.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"images": x})[0]


def torch_dense(model: nn.Module) -> Predict:
    """PyTorch as it comes, on one core."""

    def predict(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(x)).numpy()

    return predict


def measure(peers: dict[str, Predict], x: np.ndarray, seconds: float) -> dict[str, np.ndarray]:
    """Milliseconds of a call by peer, measured in turn."""
    times: dict[str, list[float]] = {name: [] for name in peers}
    for predict in peers.values():
        predict(x)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[next(iter(peers))]) < 5:
        for name, predict in peers.items():
            start = time.thread_time()
            predict(x)
            times[name].append(1e3 * (time.thread_time() - start))
    return {name: np.percentile(taken, [50, 25, 75]) for name, taken in times.items()}


def compare(architecture: str, sparsity: float, scope: str, operator: str, batches: list[int], seconds: float) -> None:
    """Print the times of one network at one sparsity."""
    dense, spec = network(architecture, operator)
    sparse, _ = network(architecture, operator)
    apply_masks(sparse, make_masks(sparse, sparsity, scope))
    settle(sparse, spec.input_shape)
    small = compact(sparse, spec.input_shape)
    with TemporaryDirectory() as folder:
        path = Path(folder)
        size = write(path / "m.safs", trace(small.model, spec))
        runtime = load(path / "m.safs")
        peers: dict[str, Predict] = {"safs": runtime.predict, "torch": torch_dense(dense)}
        try:
            write_onnx(path / "m.onnx", trace(dense, spec))
            peers["onnxruntime"] = onnxruntime_dense(path / "m.onnx")
        except (ImportError, SafsError) as error:
            print(f"  onnxruntime skipped: {error}")
        removed = sum(small.removed.values())
        print(
            f"{architecture} {sparsity:.0%} {scope} {operator}: file 1/{dense_bytes(dense) / size:.0f}, {removed} units out"
        )
        for batch in batches:
            x = np.random.default_rng(0).standard_normal((batch, *spec.input_shape)).astype(np.float32)
            with torch.inference_mode():
                wanted = sparse.double()(torch.from_numpy(x).double()).numpy()
            sparse.float()
            error = np.abs(runtime.predict(x) - wanted).max() / np.abs(wanted).max()
            times = measure(peers, x, seconds)
            shown = ", ".join(f"{n} {t[0]:.3f} ms [{t[1]:.3f}, {t[2]:.3f}]" for n, t in times.items())
            ratios = ", ".join(f"{times[n][0] / times['safs'][0]:.1f} x {n}" for n in times if n != "safs")
            print(f"  batch {batch:3}: {shown}; {ratios}; relative error {error:.0e}", flush=True)


def main() -> None:
    """Read the flags and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["lenet5", "vgg16", "resnet18"], choices=list(SHAPES))
    parser.add_argument("--sparsities", nargs="+", type=float, default=[0.9, 0.95, 0.99])
    parser.add_argument("--scopes", nargs="+", default=["layerwise"])
    parser.add_argument("--operators", nargs="+", default=["relu"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 32])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each batch size")
    given = parser.parse_args()
    torch.set_num_threads(1)
    for architecture in given.models:
        for scope in given.scopes:
            for operator in given.operators:
                for sparsity in given.sparsities:
                    compare(architecture, sparsity, scope, operator, given.batches, given.seconds)


if __name__ == "__main__":
    main()
