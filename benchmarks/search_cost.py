"""What the search costs beside the paper's: `python -m benchmarks.search_cost DATA_ROOT WORK`.

Plain late acceptance trains 20 candidates for 80 epochs each (arXiv:2305.10964); ours is the search step on its ladder
of epochs with 40 candidates. Whatever was our best candidate at the end of a rung is then trained for 80 epochs on the same
mask, so that both curves show final validation accuracy against full-data epochs spent; the two choices meet on test data.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from benchmarks.accuracy import SEEDS, dense_networks, paired, percent
from benchmarks.fidelity import SETTINGS
from benchmarks.workshop import Workshop, keep
from safs.activations import set_activations
from safs.data.tensors import load_tensors
from safs.files import read_json, write_json
from safs.models import load_model
from safs.pruning.masks import masks_of
from safs.searching.study import Study, Trial, history, read_study
from safs.training.trainer import measure, train

FINAL = 80
PLAIN = {
    "strategy": "late-acceptance",
    "candidates": 20,
    "search_epochs": FINAL,
    "min_epochs": FINAL,
    "generation": 1,
    "uniform": False,
    "batch_size": 256,
}
OURS = {"strategy": "late-acceptance", "candidates": 40, "batch_size": 256}


def final_accuracy(mask: Path, operators: Mapping[str, str], data: Path, cache: Path) -> dict[str, float]:
    """Validation and test accuracy after 80 epochs on the mask with these operators; measured once."""
    known = read_json(cache) if cache.exists() else {}
    key = " ".join(operators.values())
    if key not in known:
        training, validation, test = (load_tensors(data, part) for part in ("train", "validation", "test"))
        model, spec = load_model(mask)
        set_activations(model, operators)
        score = train(model, training, validation, SETTINGS, FINAL, spec.seed, masks_of(model))
        known[key] = {"validation": score.accuracy, "test": measure(model, test).accuracy}
        write_json(cache, known)
    final: dict[str, float] = known[key]
    return final


def incumbents(study: Study) -> list[tuple[float, Trial]]:
    """The best candidate at the end of each rung, or of each training of the last, with the epochs spent until then."""
    best: dict[int, tuple[float, float, Trial]] = {}
    found: list[tuple[float, Trial]] = []
    for look in history(study):
        rung = next(index for index, epochs in enumerate(study.plan.rungs) if look.epochs <= epochs)
        last = rung == len(study.plan.rungs) - 1
        if rung in best and best[rung][0] >= look.accuracy:
            best[rung] = (best[rung][0], look.spent, best[rung][2])
            continue
        best[rung] = (look.accuracy, look.spent, study.trials[look.number])
        if last:
            found.append((look.spent, study.trials[look.number]))
    lower = [(spent, trial) for rung, (_, spent, trial) in best.items() if rung < len(study.plan.rungs) - 1]
    return sorted([*lower, *found], key=lambda entry: entry[0])


def main() -> None:
    """Run both searches for every seed, keep and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("work", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    workshop = Workshop(given.work)
    data, dense = dense_networks(workshop, given.data_root)
    masks = workshop.make("prune", models=dense, data=data, sparsity=0.99, batch_size=256)
    result: dict[str, Any] = {"final_epochs": FINAL, "seeds": SEEDS}
    for name, arguments in (("ours", OURS), ("plain", PLAIN)):
        folder = workshop.make("search", data=data, models=masks, **arguments)
        studies = read_study(folder)
        curves, finals = [], []
        for seed, study in zip(SEEDS, studies, strict=True):
            mask, cache = masks / f"seed-{seed}", given.work / f"final-{masks.name}-{seed}.json"
            points = []
            for spent, trial in incumbents(study):
                whole = len(trial.curve) == FINAL
                validation = (
                    trial.accuracy if whole else final_accuracy(mask, trial.activations, data, cache)["validation"]
                )
                points.append([spent, validation])
            curves.append(points)
            finals.append(final_accuracy(mask, study.winner.activations, data, cache))
        test = [final["test"] for final in finals]
        result[name] = {"cost": [study.epochs for study in studies], "test": test, "curves": curves}
        print(f"| {name} | {mean(result[name]['cost']):.1f} epochs | {percent(test)} |", flush=True)
    result["ours - plain"] = paired(result["ours"]["test"], result["plain"]["test"])
    result["ratio"] = mean(result["plain"]["cost"]) / mean(result["ours"]["cost"])
    keep("search-cost", result)
    print(f"{result['ratio']:.1f} times cheaper; ours - plain, paired: {result['ours - plain']}")


if __name__ == "__main__":
    main()
