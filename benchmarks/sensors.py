"""Alarms on SKAB, by `safs run` and by a plain baseline on the same windows: `python -m benchmarks.sensors SKAB WORK`.

SKAB (waico/SKAB) is a test bed of a water pump: `anomaly-free` and `valve1`, 8 sensors once a second. Whole files go to one
part. The isolation forest knows no labels in training; its threshold is the one of the best F1 on validation windows.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import IsolationForest
from sklearn.metrics import precision_recall_curve

from benchmarks.workshop import Workshop, keep
from safs.data.tensors import Batchable, load_tensors
from safs.evaluation.alarms import alarm_measures, summarise
from safs.files import read_json
from safs.kubeflow.local import run_locally
from safs.kubeflow.parameters import pipeline_docs, pipeline_parameters
from safs.steps.arguments import check_arguments

SEEDS = [0, 1, 2]
SPARSITIES = [0.9, 0.95]
DATA: dict[str, Any] = {
    "label_column": "anomaly",
    "missing_label": "0",
    "drop_columns": ["changepoint"],
    "window": 64,
    "stride": 32,
    "balance": True,
}
TUNING = {"candidates": 16, "trials": 4, "ablation_epochs": 0, "insight_every": 0}
VARIANTS = {"dense": "dense sensor_cnn", "relu": "pruned, ReLU", "stage2": "pruned, ReLU tuned", "safs": "SAFS"}
TREES = 300


def run_pipeline(dataset: Path, work: Path) -> list[dict[str, Any]]:
    """`safs run` with these settings; gives its evaluations, one a sparsity."""
    given = {"dataset": str(dataset), **DATA, "model": "sensor_cnn", "seeds": SEEDS, "sparsities": SPARSITIES, **TUNING}
    outcome = run_locally(check_arguments(pipeline_parameters(), given, pipeline_docs()), work, cache=True)
    evaluations: list[dict[str, Any]] = read_json(outcome.selection / "selection.json")["evaluations"]
    return evaluations


def rows_of(evaluations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for the dense network and for each sparse variant of each sparsity."""
    rows = []
    for number, entry in enumerate(evaluations):
        for name, label in VARIANTS.items():
            if name == "dense" and number:
                continue
            where = "" if name == "dense" else f"{100 * entry['sparsity']:g}% "
            size = entry["dense_bytes" if name == "dense" else "sparse_bytes"]
            rows.append({"name": f"{where}{label}", "bytes": size, "alarms": entry["alarms"][name]})
    return rows


def forest(training: Batchable, validation: Batchable, test: Batchable, normal: int, seed: int) -> dict[str, float]:
    """An isolation forest of the normal training windows; the threshold is chosen on validation."""
    x = flat(training)[training.y.numpy() == normal]
    model = IsolationForest(n_estimators=TREES, random_state=seed).fit(x)
    known, found = -model.score_samples(flat(validation)), -model.score_samples(flat(test))
    threshold = best_threshold(known, validation.y.numpy() != normal)
    logits = np.zeros((len(found), 2))
    logits[:, 1 - normal] = found - threshold
    return alarm_measures(torch.from_numpy(logits), test.y, normal)


def flat(part: Batchable) -> np.ndarray:
    """Windows as rows of numbers [count, channels x length]."""
    return part.x.flatten(1).numpy()


def best_threshold(score: np.ndarray, truth: np.ndarray) -> float:
    """The score above which F1 is best."""
    precision, recall, thresholds = precision_recall_curve(truth, score)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = float(thresholds[int(np.argmax(f1[:-1]))])
    return float(np.nextafter(best, -np.inf))  # scores equal to it are alarms


def main() -> None:
    """Run, measure, keep and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="folder of SKAB with valve1 and anomaly-free")
    parser.add_argument("work", type=Path, help="folder for the run; a later one goes on with what is in it")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = rows_of(run_pipeline(given.dataset, given.work))
    data = Workshop(given.work).make("prepare", dataset=str(given.dataset), **DATA)
    normal = read_json(data / "dataset.json")["classes"].index("0")
    training, validation, test = (load_tensors(data, part) for part in ("train", "validation", "test"))
    measured = [forest(training, validation, test, normal, seed) for seed in SEEDS]
    rows.append({"name": "isolation forest, no labels", "bytes": None, "alarms": summarise(measured)})
    sizes = {name: [len(part.y), int((part.y != normal).sum())] for name, part in
             (("train", training), ("validation", validation), ("test", test))}  # fmt: skip
    keep("sensors", {"settings": {**DATA, **TUNING}, "seeds": SEEDS, "windows": sizes, "rows": rows})
    for row in rows:
        print(row["name"], {name: round(row["alarms"][name]["mean"], 3) for name in row["alarms"]})


if __name__ == "__main__":
    main()
