"""Seconds of one training epoch of LeNet-5 on MNIST's 50,000 images, one thread, all in one run.

    python -m benchmarks.epoch_time DATA_ROOT [--sparse MODEL_FOLDER]

`DATA_ROOT` holds MNIST's four files, gzipped or not, itself or in `raw`. The sparse network is a fresh one pruned layer by
layer to 99%, or the pruned model of a folder.
"""

import argparse
import copy
import gzip
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

from benchmarks.workshop import keep
from safs.data.mnist import FILES, find
from safs.data.tensors import Batchable
from safs.models import load_model
from safs.models.lenet import LeNet5
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks, masks_of
from safs.training.engine import Engine
from safs.training.native_engine import NativeEngine
from safs.training.settings import Compute, Hyperparameters
from safs.training.torch_engine import TorchEngine

IMAGES, BATCH = 50_000, 256
SETTINGS = Hyperparameters(batch_size=BATCH, weight_decay=0.0)
PLAIN, DENSE, SPARSE = "plain torchvision loop, dense", "our native engine, dense", "our native engine, 99% layer-wise"


def unpacked(root: Path, folder: Path) -> Path:
    """A root as torchvision wants it, with MNIST's files unzipped in a temporary folder."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in FILES:
        file = find(root, name, "MNIST")
        opened = gzip.open if file.suffix == ".gz" else open
        with opened(file, "rb") as source, (raw / name).open("wb") as target:
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


def pruned() -> nn.Module:
    """A fresh network with 1% of each layer's weights left."""
    model = lenet()
    apply_masks(model, make_masks(model, 0.99))
    return model


def engine_loop(model: nn.Module, data: Batchable, *, native: bool) -> Callable[[], float]:
    """An epoch of one of our engines; the model's zeros are its mask."""
    masks = masks_of(model) if (masks_of(model)["conv1.weight"] == 0).any() else None
    if native:
        engine: Engine = NativeEngine(model, data, SETTINGS, masks)
    else:
        engine = TorchEngine(model, data, SETTINGS, masks, Compute("torch", "cpu"))
    order = torch.Generator().manual_seed(0)
    rates = [1.0] * -(-IMAGES // BATCH)
    engine.epoch(torch.arange(BATCH), [0.0])  # compiles
    return lambda: engine.epoch(torch.randperm(IMAGES, generator=order), rates)


def main() -> None:
    """Measure, print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("--sparse", type=Path, help="folder of a pruned LeNet-5")
    parser.add_argument("--repetitions", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = unpacked(given.data_root, Path(folder))
        raw = MNIST(str(root), train=True)
        data = Batchable(raw.data[:IMAGES, None].float() / 255, raw.targets[:IMAGES].clone())
        sparse = load_model(given.sparse)[0] if given.sparse else pruned()
        loops = {
            PLAIN: plain_loop(root),
            "our torch engine, dense": engine_loop(lenet(), data, native=False),
            DENSE: engine_loop(lenet(), data, native=True),
            "our torch engine, 99% layer-wise": engine_loop(copy.deepcopy(sparse), data, native=False),
            SPARSE: engine_loop(copy.deepcopy(sparse), data, native=True),
        }
        seconds: dict[str, list[float]] = {name: [] for name in loops}
        for _ in range(given.repetitions):
            for name, loop in loops.items():  # in turn, so that all of them meet the same load
                start = time.process_time()
                loop()
                seconds[name].append(time.process_time() - start)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = {"dense": median[PLAIN] / median[DENSE], "sparse": median[DENSE] / median[SPARSE]}
    rows = [{"name": name, "seconds": value, "all": seconds[name]} for name, value in median.items()]
    keep("epoch-time", {"rows": rows, "ratios": ratios, "load": os.getloadavg()[0]})
    for row in rows:
        print(f"{row['name']:40} {row['seconds']:8.3f} s  {median[PLAIN] / row['seconds']:6.1f}x of {PLAIN}")
    print(f"dense {ratios['dense']:.1f} times the plain loop, sparse {ratios['sparse']:.1f} times our dense")


if __name__ == "__main__":
    main()
