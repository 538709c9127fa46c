"""The paper's comparison on CIFAR-10 (or ImageNet-16), from the data's files to the table.

`python -m benchmarks.cifar ARCHIVE WORK_FOLDER --model resnet18` runs every step with the paper's protocol
(arXiv:2305.10964) and prints the table beside the published one. A run that was killed goes on with the same command.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.shrink import shrink
from safs.errors import SafsError
from safs.files import read_json, write_json
from safs.steps import STEPS
from safs.steps.arguments import step_parameters

VARIANTS = {"dense": "dense", "relu": "pruned, ReLU", "stage1": "stage 1", "stage2": "stage 2", "safs": "SAFS"}


@dataclass(frozen=True)
class Protocol:
    """How the paper trains a network, and what it published: accuracies in percent at 99%, in the order of VARIANTS."""

    learning_rate: float
    schedule: str
    data: str
    published: tuple[float, float, float, float, float]


PROTOCOLS = {
    "vgg16": Protocol(1e-3, "step", "CIFAR-10", (86.76, 70.32, 78.11, 80.97, 79.20)),
    "resnet18": Protocol(1e-2, "plateau", "CIFAR-10", (89.86, 77.55, 79.34, 82.74, 83.88)),
    "efficientnet_b0": Protocol(1e-2, "plateau", "ImageNet-16", (18.41, 10.96, 11.84, 11.70, 12.50)),
}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; defaults are the paper's where it names a value."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cifar", description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path, help="CIFAR-10's archive or folder, or ImageNet-16's folder")
    parser.add_argument("work", type=Path, help="folder for the outputs of all steps")
    parser.add_argument("--model", default="resnet18", help=f"{', '.join(PROTOCOLS)} or any other model of safs")
    parser.add_argument("--dataset", choices=("cifar10", "imagenet16"), default="cifar10")
    parser.add_argument("--size", type=int, choices=(32, 16), default=32, help="pixels a side; 16 halves CIFAR-10")
    parser.add_argument("--max-examples", type=int, default=0, help="images of all parts together; 0 takes all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sparsity", type=float, default=0.99)
    parser.add_argument("--scope", default="layerwise")
    parser.add_argument("--dense-epochs", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=200, help="of every fine-tuning")
    parser.add_argument("--candidates", type=int, default=20)
    parser.add_argument("--search-epochs", type=int, default=80)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--trial-epochs", type=int, default=80)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--ablation-epochs", type=int, default=2)
    return parser.parse_args(arguments)


def run(arguments: Sequence[str]) -> str:
    """Run all steps and give the table, which `result.json` in the work folder holds as numbers.

    Raises:
        SafsError: an argument is wrong, or the work folder belongs to a run with other arguments.
    """
    options = vars(parse(arguments))
    work: Path = options.pop("work")
    archive, wanted = options["archive"], {**options, "archive": str(options["archive"].absolute())}
    work.mkdir(parents=True, exist_ok=True)
    if (work / "arguments.json").exists() and read_json(work / "arguments.json") != wanted:
        raise SafsError(f"{work} belongs to a run with other arguments, see arguments.json; name another folder")
    write_json(work / "arguments.json", wanted)
    protocol = PROTOCOLS.get(options["model"])
    given = {
        "optimizer": "sgd" if protocol else "adam",
        "learning_rate": protocol.learning_rate if protocol else 1e-3,
        "schedule": protocol.schedule if protocol else "constant",
        "augment": "crop-flip",
        **{name: value for name, value in options.items() if name not in {"archive", "size"}},
        "data_root": str(archive),
    }
    full, data, dense, sparse, found, tuned, outcome = (
        work / name for name in ("images", "data", "dense", "sparse", "activations", "tuned", "evaluation")
    )
    seconds = {
        "prepare": step("prepare", full, given),
        "pretrain": step("pretrain", dense, given, data=shrink(full, data, options["size"])),
        "prune": step("prune", sparse, given, data=data, models=dense),
        "search": step("search", found, given, data=data, models=sparse),
        "finetune": step("finetune", tuned, given, data=data, models=sparse, activations=found),
        "evaluate": step("evaluate", outcome, {**given, "serving_seconds": 0}, data=data, dense=dense, models=tuned),
    }
    evaluation = read_json(outcome / "evaluation.json")
    figures = {name: evaluation[name] for name in ("variants", "gain_mean", "gain_spread", "seeds", "test_images")}
    result = {**figures, "arguments": wanted, "seconds": seconds, "machine": machine()}
    write_json(work / "result.json", result)
    return markdown(result, protocol)


def step(name: str, out: Path, given: dict[str, Any], **folders: Path) -> float:
    """Run a step unless its output is there already, with those of the arguments that it knows; gives the seconds."""
    if out.exists():
        return 0.0
    known = step_parameters(STEPS[name])
    arguments = {key: value for key, value in {**given, **folders}.items() if key in known}
    start = time.monotonic()
    STEPS[name](out=out, **arguments)
    print(f"{name}: {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)
    return time.monotonic() - start


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    return {"device": device, "cores": str(os.cpu_count()), "torch": torch.__version__}


def markdown(result: dict[str, Any], protocol: Protocol | None) -> str:
    """The measured accuracies beside the published ones, in Markdown."""
    head = ["test accuracy, %", *VARIANTS.values(), "SAFS - ReLU"]
    cells = [result["variants"][name] for name in VARIANTS]
    ours = [f"{100 * cell['test_mean']:.2f} ± {100 * cell['test_spread']:.2f}" for cell in cells]
    gain = f"{100 * result['gain_mean']:+.2f} ± {100 * result['gain_spread']:.2f}"
    chosen = result["arguments"]
    title = f"{chosen['model']}, {chosen['dataset']} at {chosen['size']} pixels, {len(result['seeds'])} seeds"
    rows = [head, ["---", *["---:"] * (len(head) - 1)], [title, *ours, gain]]
    if protocol:
        difference = f"{protocol.published[-1] - protocol.published[1]:+.2f}"
        rows.append([f"published, {protocol.data}, 99%", *(f"{value:.2f}" for value in protocol.published), difference])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    try:
        print(run(sys.argv[1:]))
    except SafsError as error:
        sys.exit(f"error: {error}")
