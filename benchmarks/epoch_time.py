"""Seconds of one training epoch of LeNet-5 on MNIST's 50,000 images, one thread, all in one run.

    python -m benchmarks.epoch_time DATA_ROOT OUT_JSON

`DATA_ROOT` holds `MNIST/raw` with MNIST's four files, gzipped or not, as torchvision lays them out.
"""

import argparse
import gzip
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numba
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

from safs.data.tensors import Batchable
from safs.models.lenet import LeNet5
from safs.pruning.masks import apply_masks, prunable_weights
from safs.training.native_engine import NativeEngine
from safs.training.settings import Compute, Hyperparameters
from safs.training.torch_engine import TorchEngine

IMAGES, BATCH = 50_000, 256
SETTINGS = Hyperparameters(batch_size=BATCH, weight_decay=0.0)


def unpacked(root: Path, folder: Path) -> Path:
    """A root as torchvision wants it, with MNIST's files unzipped in a temporary folder."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in sorted((root / "MNIST" / "raw").glob("*-ubyte*")):
        opened = gzip.open if file.suffix == ".gz" else open
        with opened(file, "rb") as source, (raw / file.name.removesuffix(".gz")).open("wb") as target:
            shutil.copyfileobj(source, target)
    return folder


def lenet() -> LeNet5:
    """A fresh network, always the same."""
    torch.manual_seed(0)
    return LeNet5((1, 28, 28), 10)


def plain_loop(root: Path) -> Callable[[], float]:
    """What a tutorial writes: torchvision's data set, a DataLoader, Adam."""
    model = lenet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    images = Subset(MNIST(str(root), train=True, transform=ToTensor()), range(IMAGES))
    loader = DataLoader(images, batch_size=BATCH, shuffle=True)

    def epoch() -> float:
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        return total / IMAGES

    return epoch


def engine_loop(data: Batchable, native: bool, density: float) -> Callable[[], float]:
    """An epoch of one of our engines, at a layer-wise density."""
    model, masks = lenet(), None
    if density < 1:
        masks = {}
        for name, weight in prunable_weights(model).items():
            left = weight.detach().abs().flatten().topk(max(1, round(density * weight.numel()))).indices
            masks[name] = torch.zeros(weight.numel(), dtype=torch.bool).index_fill_(0, left, True).view(weight.shape)
        apply_masks(model, masks)
    if native:
        engine = NativeEngine(model, data, SETTINGS, masks)
    else:
        engine = TorchEngine(model, data, SETTINGS, masks, Compute("torch", "cpu"))
    order = torch.Generator().manual_seed(0)
    rates = [1.0] * -(-IMAGES // BATCH)
    engine.epoch(torch.arange(BATCH), [0.0])  # compiles
    return lambda: engine.epoch(torch.randperm(IMAGES, generator=order), rates)


def processor() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def main() -> None:
    """Measure, print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("out_json", type=Path)
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = unpacked(arguments.data_root, Path(folder))
        raw = MNIST(str(root), train=True)
        data = Batchable(raw.data[:IMAGES, None].float() / 255, raw.targets[:IMAGES].clone())
        loops = {
            "plain torchvision loop, dense": plain_loop(root),
            "torch engine, dense": engine_loop(data, False, 1.0),
            "native engine, dense": engine_loop(data, True, 1.0),
            "native engine, 99% layer-wise": engine_loop(data, True, 0.01),
        }
        rows: dict[str, dict[str, list[float]]] = {name: {"wall": [], "cpu": []} for name in loops}
        for _ in range(arguments.repetitions):
            for name, loop in loops.items():  # in turn, so that all of them meet the same load
                wall, cpu = time.perf_counter(), time.process_time()
                loop()
                rows[name]["wall"].append(time.perf_counter() - wall)
                rows[name]["cpu"].append(time.process_time() - cpu)
    median = {name: {clock: statistics.median(values) for clock, values in row.items()} for name, row in rows.items()}
    names = list(median)
    print(f"{'one epoch, 50,000 images, one thread':38} {'wall s':>8} {'CPU s':>8} {'speed':>7}")
    for name in names:
        base = names[2] if "99%" in name else names[0]
        speed = median[base]["cpu"] / median[name]["cpu"]
        print(f"{name:38} {median[name]['wall']:8.3f} {median[name]['cpu']:8.3f} {speed:6.1f}x of {base}")
    machine = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numba": numba.__version__,
    }
    arguments.out_json.write_text(json.dumps({"machine": machine, "median": median, "seconds": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
