"""Strategies of the search at equal budget: `python -m benchmarks.strategies DATA_ROOT WORK`.

Each looks at as many different candidates on the same masks and the same ladder of epochs, after one operator everywhere,
as the search step does; what differs is what they propose. Their choice is then trained for 80 epochs.
"""

import argparse
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from benchmarks.accuracy import SEEDS, dense_networks, percent
from benchmarks.search_cost import final_accuracy
from benchmarks.workshop import Workshop, keep
from safs.searching.study import read_study

STRATEGIES = ("late-acceptance", "annealing", "genetic", "random", "tpe")
BUDGET = {"candidates": 40, "batch_size": 256}


def main() -> None:
    """Run every strategy for every seed, keep and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("work", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    workshop = Workshop(given.work)
    data, dense = dense_networks(workshop, given.data_root)
    masks = workshop.make("prune", models=dense, data=data, sparsity=0.99, batch_size=256)
    table: dict[str, Any] = {}
    for strategy in STRATEGIES:
        folder = workshop.make("search", data=data, models=masks, strategy=strategy, **BUDGET)
        studies = read_study(folder)
        finals = [
            final_accuracy(
                masks / f"seed-{seed}", study.winner.activations, data, given.work / f"final-{masks.name}-{seed}.json"
            )
            for seed, study in zip(SEEDS, studies, strict=True)
        ]
        table[strategy] = {
            "found": [study.winner.accuracy for study in studies],
            "validation": [final["validation"] for final in finals],
            "test": [final["test"] for final in finals],
            "cost": mean(study.epochs for study in studies),
        }
        row = table[strategy]
        print(
            f"| {strategy} | {percent(row['found'])} | {percent(row['validation'])} | {percent(row['test'])} |",
            flush=True,
        )
    keep("strategies", {"budget": BUDGET, "seeds": SEEDS, "strategies": table})


if __name__ == "__main__":
    main()
