"""What a memory budget costs and saves, on CIFAR-10 as a folder of images: `python -m benchmarks.streaming CIFAR10 WORK`.

CIFAR10 is the folder of JPEG files, or the archive of them. Each figure is taken in a process of its own, in memory and with
a budget of 64 MiB. Trainings in memory and streamed take turns, so that what disturbs the machine disturbs both.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.workshop import keep
from safs.data import load_info
from safs.data.tensors import load_tensors
from safs.data.unpacking import tar_members
from safs.files import fingerprint
from safs.models import ModelSpec, fresh_model
from safs.steps.prepare import prepare
from safs.training.engine import make_engine
from safs.training.settings import Compute, Hyperparameters

BUDGETS = {"memory": 64.0, "streamed": 1 / 16}  # GiB
BATCHES, ROUNDS = 100, 5
BACKENDS = ("native", "torch")


def memory(name: str) -> int:
    """A figure of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


def prepare_once(source: Path, out: Path, budget: float) -> dict[str, float]:
    """Prepare a folder; gives seconds, and the bytes by which that raised the peak of this process."""
    prepare(out / "small", "digits")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, start, busy = memory("VmRSS"), time.perf_counter(), time.process_time()
    prepare(out / "data", str(source), memory_gib=budget)
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - busy,
        "peak": memory("VmHWM") - before,
    }


def load_once(data: Path, budget: float) -> dict[str, float]:
    """Load a data set and train a few batches; gives the bytes by which that raised the peak of this process."""
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    engine = engine_of("torch", data, budget)
    engine(torch.arange(64))
    return {"peak": memory("VmHWM") - before}


def engine_of(backend: str, data: Path, budget: float) -> Any:
    """What trains LeNet-5, a small network that waits for its data if any does, on the images of these numbers."""
    info = load_info(data)
    training, settings = load_tensors(data, "train", budget), Hyperparameters()
    model = fresh_model(ModelSpec("lenet5", info.shape, info.classes, info.mean, info.std))
    engine = make_engine(model, training, settings, compute=Compute(backend, "cpu"))  # type: ignore[arg-type]
    return lambda order: engine.epoch(order, [1.0] * -(-len(order) // settings.batch_size))


def train_in_turn(backend: str, data: Path) -> dict[str, list[float]]:
    """CPU seconds of some batches, drawn from the whole training part, for each budget in turn."""
    engines = {name: engine_of(backend, data, budget) for name, budget in BUDGETS.items()}
    count = load_info(data).sizes["train"]
    taken: dict[str, list[float]] = {name: [] for name in BUDGETS}
    for turn in range(ROUNDS + 1):  # the first one compiles
        order = torch.randperm(count, generator=torch.Generator().manual_seed(turn))[: 64 * BATCHES]
        for name, engine in engines.items():
            start = time.process_time()
            engine(order)
            taken[name].append(time.process_time() - start)
    return {name: values[1:] for name, values in taken.items()}


def child(*arguments: str) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.streaming", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own module
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def unpack(archive: Path, folder: Path) -> Path:
    """The archive's files in a folder."""
    if not folder.exists():
        for name, content in tar_members(archive, 1 << 30, 1 << 20):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    return folder


def main() -> None:
    """Measure, keep and print."""
    if sys.argv[1] == "prepare":
        print(json.dumps(prepare_once(Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))))
        return
    if sys.argv[1] == "load":
        print(json.dumps(load_once(Path(sys.argv[2]), float(sys.argv[3]))))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="CIFAR-10 as a folder of images, or the archive of them")
    parser.add_argument("work", type=Path, help="an empty folder")
    given = parser.parse_args()
    torch.set_num_threads(1)
    source = unpack(given.dataset, given.work / "cifar") if given.dataset.is_file() else given.dataset
    prepared = {name: child("prepare", str(source), str(given.work / name), str(gib)) for name, gib in BUDGETS.items()}
    data = given.work / "streamed" / "data"
    assert fingerprint(data) == fingerprint(given.work / "memory" / "data")
    info = load_info(data)
    loaded = {name: child("load", str(data), str(gib))["peak"] for name, gib in BUDGETS.items()}
    trained = {backend: train_in_turn(backend, data) for backend in BACKENDS}
    ratios = {name: median(taken["streamed"]) / median(taken["memory"]) for name, taken in trained.items()}
    found = {
        "budget_gib": BUDGETS["streamed"],
        "sizes": info.sizes,
        "shape": info.shape,
        "prepare": prepared,
        "loaded_peak": loaded,
        "batches": BATCHES,
        "train_cpu_seconds": trained,
        "train_ratio": ratios,
    }
    keep("streaming", found)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
