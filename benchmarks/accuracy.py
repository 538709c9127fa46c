"""Test accuracy of LeNet-5 on MNIST, pruned in several ways: `python -m benchmarks.accuracy DATA_ROOT WORK [ROW ...]`.

Every row has five seeds, one mask a seed for all variants, and two baselines: ReLU with the dense network's
hyperparameters, and ReLU with stage 2's tuning at the same budget. Selection is on validation data alone.
"""

import argparse
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from benchmarks.workshop import Workshop, keep
from safs.files import read_json

SEEDS = [0, 1, 2, 3, 4]
DEFAULTS = {"learning_rate": 1e-3, "weight_decay": 5e-4, "batch_size": 256}
DENSE_EPOCHS = 60
SEARCH = {"strategy": "late-acceptance", "candidates": 40, "batch_size": 256}
FINETUNE = {"trials": 16, "trial_epochs": 30, "epochs": 200, "scales": "channel", "insight_every": 0}
BETTER = {**FINETUNE, "trials": 8, "trial_epochs": 8, "epochs": 40}  # better masks and denser networks
EASY = {**FINETUNE, "trials": 6, "trial_epochs": 8, "epochs": 30}  # converge in fewer epochs
SHORT, QUICK = {**SEARCH, "candidates": 16}, {**FINETUNE, "trials": 4, "trial_epochs": 6, "epochs": 40}
GRADUAL = {"prune_schedule": "gradual", "prune_epochs": 20, "prune_weight_decay": 1e-4}

ROWS: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "paper": ("99%, one-shot, layer-wise", {"sparsity": 0.99}, SEARCH, FINETUNE),
    "coverage": ("99%, gradual, layer-wise, covered", {"sparsity": 0.99, "coverage": True, **GRADUAL}, SEARCH, BETTER),
    "best": ("99%, gradual, LAMP", {"sparsity": 0.99, "scope": "lamp", **GRADUAL}, SEARCH, BETTER),
    "97": ("97%, one-shot, layer-wise", {"sparsity": 0.97}, SHORT, QUICK),
    "95": ("95%, one-shot, layer-wise", {"sparsity": 0.95}, SEARCH, EASY),
    "90": ("90%, one-shot, layer-wise", {"sparsity": 0.9}, SHORT, QUICK),
}


def paired(left: list[float], right: list[float]) -> dict[str, float]:
    """Mean and sample spread of the differences, seed by seed."""
    gains = [a - b for a, b in zip(left, right, strict=True)]
    return {"mean": mean(gains), "spread": stdev(gains)}


def dense_networks(workshop: Workshop, data_root: Path) -> tuple[Path, Path]:
    """The folders of MNIST and of the dense networks that all tables start from."""
    data = workshop.make("prepare", dataset="mnist", data_root=str(data_root))
    return data, workshop.make("pretrain", data=data, seeds=SEEDS, dense_epochs=DENSE_EPOCHS, **DEFAULTS)


def run_row(
    workshop: Workshop,
    data: Path,
    dense: Path,
    pruning: dict[str, Any],
    searching: dict[str, Any],
    tuning: dict[str, Any],
) -> dict[str, Any]:
    """Prune, search, fine-tune and evaluate; the accuracies by variant, and the ceilings of the masks."""
    masks = workshop.make("prune", models=dense, data=data, batch_size=DEFAULTS["batch_size"], **pruning)
    found = workshop.make("search", data=data, models=masks, **searching)
    tuned = workshop.make("finetune", data=data, models=masks, activations=found, **tuning, **DEFAULTS)
    evaluated = workshop.make("evaluate", data=data, dense=dense, models=tuned, ablation_epochs=0, serving_seconds=0)
    evaluation = read_json(evaluated / "evaluation.json")
    test = {name: values["test"] for name, values in evaluation["variants"].items()}
    ceilings = [entry["audit"]["ceiling"] for entry in evaluation["models"]]
    return {
        "test": test,
        "ceiling": ceilings,
        "safs - relu": paired(test["safs"], test["relu"]),
        "safs - relu tuned": paired(test["safs"], test["stage2"]),
        "weights_left": evaluation["weights_left"],
        "tuning": tuning,
        "activations": [" ".join(entry["activations"].values()) for entry in evaluation["models"]],
    }


def percent(values: list[float]) -> str:
    """Mean and sample spread in percent."""
    return f"{100 * mean(values):.2f} ± {100 * stdev(values):.2f}"


def table(rows: dict[str, Any]) -> str:
    """The rows as Markdown."""
    names = {"dense": "dense", "relu": "ReLU", "stage2": "ReLU tuned", "stage1": "stage 1", "safs": "SAFS"}
    head = ["masks", "ceiling", *names.values(), "SAFS - ReLU", "SAFS - ReLU tuned"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for key, (label, *_) in ROWS.items():
        if key in rows:
            row = rows[key]
            pairs = [row["safs - relu"], row["safs - relu tuned"]]
            gains = [f"{100 * pair['mean']:+.2f} ± {100 * pair['spread']:.2f}" for pair in pairs]
            lines.append([label, percent(row["ceiling"]), *(percent(row["test"][name]) for name in names), *gains])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Run the rows that are asked for, keep each as it ends, print them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path, help="folder of MNIST's four IDX files")
    parser.add_argument("work", type=Path, help="folder for models; a later run goes on with what is in it")
    parser.add_argument("rows", nargs="*", default=[], help=f"rows to run, of {', '.join(ROWS)}; all of them if none")
    given = parser.parse_args()
    torch.set_num_threads(1)
    workshop = Workshop(given.work)
    data, dense = dense_networks(workshop, given.data_root)
    for name in given.rows or ROWS:
        row = run_row(workshop, data, dense, *ROWS[name][1:])
        keep(f"accuracy-{name}", {"label": ROWS[name][0], **row})
        print(table({name: row}), flush=True)


if __name__ == "__main__":
    main()
