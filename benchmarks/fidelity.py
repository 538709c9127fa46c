"""Which fidelity ranks candidates well: `python -m benchmarks.fidelity DATA_ROOT WORK [--kinds layerwise lamp]`.

Random activations are trained on the same mask for `END` epochs on all the data. Spearman's rank correlation says how
well a shorter training, or one on fewer images, foresees their order at the end.
"""

import argparse
import random
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from scipy.stats import spearmanr

from benchmarks.accuracy import SEEDS, dense_networks
from benchmarks.workshop import Workshop, keep
from safs.activations import OPERATORS, activation_sites, set_activations
from safs.data.tensors import Batchable, load_tensors
from safs.files import read_json, write_json
from safs.models import load_model
from safs.pruning.masks import masks_of
from safs.training.settings import Hyperparameters
from safs.training.trainer import Score, train

END = 40
EPOCHS = (1, 2, 3, 5, 8, 12, 20)
IMAGES = 10_000
CANDIDATES = 16
SETTINGS = Hyperparameters("adam", 1e-2, 0.0, 256)


def curve(folder: Path, operators: list[str], training: Batchable, validation: Batchable, epochs: int) -> list[float]:
    """Validation accuracy after each epoch."""
    model, spec = load_model(folder)
    set_activations(model, dict(zip(activation_sites(model), operators, strict=True)))
    points: list[float] = []

    def on_epoch(_epoch: int, _loss: float, score: Score) -> None:
        points.append(score.accuracy)

    train(model, training, validation, SETTINGS, epochs, spec.seed, masks_of(model), on_epoch)
    return points + [points[-1]] * (epochs - len(points))  # a diverged training ends early


def measure_seed(folder: Path, data: Path, seed: int, cache: Path) -> dict[str, Any]:
    """The curves of all candidates on one mask, on all the images and on some; kept in a file as they end."""
    training, validation = load_tensors(data, "train"), load_tensors(data, "validation")
    some = Batchable(training.x[:IMAGES].clone(), training.y[:IMAGES].clone())
    draw = random.Random(seed)
    sites = len(activation_sites(load_model(folder)[0]))
    known = read_json(cache) if cache.exists() else []
    for number in range(CANDIDATES):
        operators = [draw.choice(list(OPERATORS)) for _ in range(sites)]
        if number < len(known):
            continue
        whole = curve(folder, operators, training, validation, END)
        few = curve(folder, operators, some, validation, EPOCHS[-1])
        known.append({"operators": operators, "all": whole, "some": few})
        write_json(cache, known)
        print(f"  {folder.parent.name} {number + 1} of {CANDIDATES}, {whole[-1]:.2%}", flush=True)
    return {"seed": seed, "candidates": known}


def correlations(measured: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Spearman's correlation with the best of all epochs, one a seed, by fidelity."""
    table: dict[str, list[float]] = {}
    for seed in measured:
        end = [max(entry["all"]) for entry in seed["candidates"]]
        for kind, label in (("all", ""), ("some", f", {IMAGES:,} images")):
            for epochs in EPOCHS:
                score = [max(entry[kind][:epochs]) for entry in seed["candidates"]]
                table.setdefault(f"{epochs} epochs{label}", []).append(float(spearmanr(score, end).statistic))
    return table


def main() -> None:
    """Measure, keep and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--kinds", nargs="+", default=["layerwise", "lamp"])
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    given = parser.parse_args()
    torch.set_num_threads(1)
    workshop = Workshop(given.work)
    data, dense = dense_networks(workshop, given.data_root)
    for kind in given.kinds:
        masks = workshop.make("prune", models=dense, data=data, sparsity=0.99, scope=kind, batch_size=256)
        caches = given.work / f"fidelity-{masks.name}"
        caches.mkdir(exist_ok=True)
        seeds = SEEDS[: given.seeds]
        measured = [measure_seed(masks / f"seed-{s}", data, s, caches / f"seed-{s}.json") for s in seeds]
        table = correlations(measured)
        keep(f"fidelity-{kind}", {"scope": kind, "epochs": END, "candidates": CANDIDATES, "spearman": table})
        for name, values in table.items():
            print(f"| {kind} | {name} | {mean(values):.2f} | {' '.join(f'{v:.2f}' for v in values)} |")


if __name__ == "__main__":
    main()
