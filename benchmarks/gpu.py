"""Seconds of one training epoch of ResNet-18 on a GPU: 50,000 images of CIFAR-10's shape, drawn at random.

    python -m benchmarks.gpu

The images lie on the GPU, are cropped and mirrored there, and are trained on in batches of 128. Every way is warmed up with the
two sizes of batches that an epoch has, which is when it compiles; then all of them train an epoch in turn.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from benchmarks.workshop import keep
from safs.data.tensors import Batchable
from safs.errors import SafsError
from safs.models.resnet import ResNet18
from safs.pruning.making import make_masks
from safs.training.settings import Compute, Hyperparameters
from safs.training.torch_engine import TorchEngine

IMAGES, BATCH = 50_000, 128
SETTINGS = Hyperparameters("sgd", 0.1, 5e-4, BATCH, augment="crop-flip")
WARM = [BATCH] * 3 + [IMAGES % BATCH]  # images of the first batches
WAYS = {
    "float32": (Compute("torch", "cuda"), 0.0),
    "bfloat16": (Compute("torch", "cuda", "bfloat16"), 0.0),
    "bfloat16, 99% zeros": (Compute("torch", "cuda", "bfloat16"), 0.99),
    "bfloat16, compiled": (Compute("torch", "cuda", "bfloat16", compile=True), 0.0),
}


def engine_of(data: Batchable, compute: Compute, sparsity: float) -> TorchEngine:
    """A fresh network in training, always the same."""
    torch.manual_seed(0)
    model = ResNet18((3, 32, 32), 10)
    return TorchEngine(model, data, SETTINGS, make_masks(model, sparsity) if sparsity else None, compute)


def seconds_of(work: Callable[[], object]) -> float:
    """How long something takes, the GPU's part included."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def measured(repetitions: int) -> Iterator[list[dict[str, Any]]]:
    """A row for each way, after each round of epochs, so that a run which is cut short has a result."""
    draw = torch.Generator("cuda").manual_seed(0)
    images = torch.randn(IMAGES, 3, 32, 32, generator=draw, device="cuda")
    data = Batchable(images, torch.randint(10, (IMAGES,), generator=draw, device="cuda"))  # all engines share them
    engines = {name: engine_of(data, *way) for name, way in WAYS.items()}
    warming = {}
    for name, engine in engines.items():
        warming[name] = seconds_of(lambda engine=engine: [engine.epoch(torch.arange(size), [0.1]) for size in WARM])
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    rates = [0.1] * -(-IMAGES // BATCH)
    for _ in range(repetitions):
        for name, engine in engines.items():  # in turn, so that all of them meet the same load
            order = torch.randperm(IMAGES)
            seconds[name].append(seconds_of(lambda engine=engine, order=order: engine.epoch(order, rates)))
        yield [
            {"name": name, "seconds": statistics.median(values), "all": list(values), "warming": warming[name]}
            for name, values in seconds.items()
        ]


def main() -> None:
    """Measure, print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    given = parser.parse_args()
    if not torch.cuda.is_available():
        raise SafsError("PyTorch sees no GPU, which this measures")
    for rows in measured(given.repetitions):
        found = {"gpu": torch.cuda.get_device_name(), "memory": torch.cuda.max_memory_allocated()}
        keep("gpu", {**found, "batch": BATCH, "images": IMAGES, "rows": rows})
        for row in rows:
            print(
                f"{row['name']:24} {row['seconds']:7.2f} s, {IMAGES / row['seconds']:8,.0f} images a second", flush=True
            )


if __name__ == "__main__":
    main()
