"""Alarms on SKAB, by `safs run` and by a plain baseline on the same windows: `python -m benchmarks.sensors SKAB WORK`.

SKAB (waico/SKAB) is a test bed of a water pump: `anomaly-free` and `valve1`, 8 sensors once a second. Whole files go to one
part. The pipeline runs twice: training draws windows as they come (plain), and each class equally often (balanced). The
isolation forest knows no labels in training. Everybody's threshold is the one of the best F1 on validation windows; beside
it networks are shown as they name the likelier class.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import IsolationForest
from sklearn.metrics import precision_recall_curve
from torch import Tensor

from benchmarks.workshop import Workshop, keep
from safs.data.tensors import Batchable, load_tensors
from safs.evaluation.alarms import alarm_measures, summarise
from safs.evaluation.measurement import logits_of
from safs.evaluation.selection import find_model
from safs.files import read_json
from safs.kubeflow.local import run_locally
from safs.kubeflow.parameters import pipeline_docs, pipeline_parameters
from safs.models import load_model
from safs.steps.arguments import check_arguments

SEEDS = [0, 1, 2]
SPARSITIES = [0.9, 0.95]
DATA: dict[str, Any] = {
    "label_column": "anomaly",
    "missing_label": "0",
    "drop_columns": ["changepoint"],
    "window": 64,
    "stride": 16,
}
QUIET = {"ablation_epochs": 0, "insight_every": 0, "serving_seconds": 0}  # what the table does not need
TOLD = ("candidates", "trials", "epochs", "batch_size")
VARIANTS = {"dense": "dense sensor_cnn", "relu": "pruned, ReLU", "stage2": "pruned, ReLU tuned", "safs": "SAFS"}
WEIGHTINGS = {"plain": False, "balanced": True}
TREES = 300


@dataclass(frozen=True)
class Parts:
    """The windows, and the class that raises no alarm."""

    training: Batchable
    validation: Batchable
    test: Batchable
    normal: int

    @property
    def sizes(self) -> dict[str, list[int]]:
        """Windows and alarms of each part."""
        parts = {"train": self.training, "validation": self.validation, "test": self.test}
        return {name: [len(part.y), int((part.y != self.normal).sum())] for name, part in parts.items()}


def read_parts(dataset: Path, work: Path) -> Parts:
    """The windows that the pipeline sees."""
    data = Workshop(work).make("prepare", dataset=str(dataset), **DATA)
    training, validation, test = (load_tensors(data, part) for part in ("train", "validation", "test"))
    return Parts(training, validation, test, read_json(data / "dataset.json")["classes"].index("0"))


def run_pipeline(dataset: Path, work: Path, balance: bool) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """`safs run`; gives its evaluations, one a sparsity, and the settings that it had."""
    given = {"dataset": str(dataset), **DATA, "model": "sensor_cnn", "seeds": SEEDS, "sparsities": SPARSITIES}
    arguments = check_arguments(pipeline_parameters(), {**given, "balance": balance, **QUIET}, pipeline_docs())
    outcome = run_locally(arguments, work, cache=True)
    evaluations: list[dict[str, Any]] = read_json(outcome.selection / "selection.json")["evaluations"]
    return evaluations, {name: arguments[name] for name in TOLD}


def rows_of(evaluations: list[dict[str, Any]], thresholded: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for the dense network and for each sparse variant of each sparsity."""
    rows = []
    for number, (entry, alarms) in enumerate(zip(evaluations, thresholded, strict=True)):
        for name, label in VARIANTS.items():
            if name == "dense" and number:
                continue
            where = "" if name == "dense" else f"{100 * entry['sparsity']:g}% "
            size = entry["dense_bytes" if name == "dense" else "sparse_bytes"]
            row = {"name": f"{where}{label}", "bytes": size}
            rows.append({**row, "alarms": alarms[name], "likelier_class": entry["alarms"][name]})
    return rows


def thresholded(evaluation: dict[str, Any], work: Path, parts: Parts) -> dict[str, Any]:
    """The alarms of all variants of a sparsity, with thresholds from validation."""
    dense = sorted(work.glob("pipeline/**/pretrain/out"))[-1]
    tuned = sorted(folder.parents[1] for folder in work.glob(f"pipeline/**/out/seed-{SEEDS[0]}/safs"))
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    for chosen in evaluation["models"]:
        home = find_model(tuned, chosen).parent
        for name in VARIANTS:
            model = load_model(dense / home.name if name == "dense" else home / name)[0]
            known, found = (margin(logits_of(model, part), parts.normal) for part in (parts.validation, parts.test))
            measured[name].append(alarms_of(known, found, parts))
    return {name: summarise(values) for name, values in measured.items()}


def margin(logits: Tensor, normal: int) -> np.ndarray:
    """How far an alarm is likelier than the normal class: the difference of the two logits, which does not saturate."""
    return (logits[:, 1 - normal] - logits[:, normal]).double().numpy()


def alarms_of(known: np.ndarray, found: np.ndarray, parts: Parts) -> dict[str, float]:
    """Measures of scores on test windows; an alarm is a score above the threshold of the best F1 on validation.

    Args:
        known: scores of validation windows.
        found: scores of test windows.
        parts: the labels.
    """
    threshold = best_threshold(known, parts.validation.y.numpy() != parts.normal)
    logits = np.zeros((len(found), 2))
    logits[:, 1 - parts.normal] = found - threshold
    return alarm_measures(torch.from_numpy(logits), parts.test.y, parts.normal)


def forest(parts: Parts, seed: int) -> dict[str, float]:
    """An isolation forest of the normal training windows."""
    x = flat(parts.training)[parts.training.y.numpy() == parts.normal]
    model = IsolationForest(n_estimators=TREES, random_state=seed).fit(x)
    known, found = (-model.score_samples(flat(part)) for part in (parts.validation, parts.test))
    return alarms_of(known, found, parts)


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
    parser.add_argument("--weightings", nargs="+", choices=WEIGHTINGS, default=list(WEIGHTINGS), help="what to run")
    given = parser.parse_args()
    torch.set_num_threads(1)
    parts = read_parts(given.dataset, given.work)
    baseline = summarise([forest(parts, seed) for seed in SEEDS])
    runs = []
    for weighting in given.weightings:
        work, balance = given.work / weighting, WEIGHTINGS[weighting]
        evaluations, settings = run_pipeline(given.dataset, work, balance)
        rows = rows_of(evaluations, [thresholded(entry, work, parts) for entry in evaluations])
        runs.append({"balance": balance, "rows": rows})
    found = {"windows": parts.sizes, "runs": runs, "forest": baseline}
    keep("sensors", {"settings": {**DATA, **settings}, "seeds": SEEDS, **found})
    for run in runs:
        for row in run["rows"]:
            print(run["balance"], row["name"], {name: round(row["alarms"][name]["mean"], 3) for name in row["alarms"]})
    print("forest", {name: round(values["mean"], 3) for name, values in baseline.items()})


if __name__ == "__main__":
    main()
