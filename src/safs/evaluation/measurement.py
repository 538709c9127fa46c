"""Accuracies of all variants of a sparsity, over the seeds."""

from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor, nn

from safs.data import load_info
from safs.data.tensors import Batchable, load_tensors
from safs.errors import SafsError
from safs.evaluation.alarms import alarm_curve, alarm_measures, summarise
from safs.export.size import dense_bytes, sparse_bytes
from safs.files import fingerprint, read_fields
from safs.models import load_model, seed_folders
from safs.pruning.audit import audit, class_shares
from safs.pruning.masks import weights_left
from safs.training.trainer import measure, predict_logits

VARIANTS = ("dense", "relu", "stage1", "stage2", "safs")


def spread(values: list[float]) -> float:
    """Sample standard deviation; 0 for a single value."""
    return stdev(values) if len(values) > 1 else 0.0


def evaluate_seeds(data: Path, dense: Path, models: Path, memory_gib: float = 0.0) -> dict[str, Any]:
    """Measure every variant of every seed on validation and test data; `memory_gib` as in `load_tensors`.

    Returns:
        What `evaluation.json` holds: accuracies by variant, one a seed, with mean and sample standard deviation; the
        paired gain of safs over relu; weights left; bytes; the audit of each mask; activations; the confusion matrix
        [true, predicted] of the safs model with the best validation accuracy. Where the data set has a normal class, also
        the measures of alarms by variant and the precision-recall curve [recall, precision] of every safs model.

    Raises:
        SafsError: the dense and the sparse models do not have the same seeds.
    """
    info = load_info(data)
    validation, test = (load_tensors(data, part, memory_gib) for part in ("validation", "test"))
    dense_folders, sparse_folders = seed_folders(dense), seed_folders(models)
    seeds = list(sparse_folders)
    if list(dense_folders) != seeds:
        raise SafsError(f"dense models have seeds {list(dense_folders)}, sparse ones {seeds}; evaluate them in pairs")
    scores: dict[str, dict[str, list[float]]] = {name: {"test": [], "validation": []} for name in VARIANTS}
    alarms: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    curves: list[list[list[float]]] = []
    normal = info.classes.index(info.normal) if info.normal else -1
    chosen = []
    shares = class_shares(test.y, len(info.classes))  # so that the ceiling is one of test accuracy
    for seed in seeds:
        for variant in VARIANTS:
            folder = dense_folders[seed] if variant == "dense" else sparse_folders[seed] / variant
            model, spec = load_model(folder)
            if (spec.input_shape, spec.classes) != (info.shape, info.classes):
                raise SafsError(
                    f"the model {folder} takes {spec.input_shape} and knows {len(spec.classes)} classes, the data set "
                    f"{data} has {info.shape} and {len(info.classes)}; evaluate it on the data it was made for"
                )
            scores[variant]["test"].append(measure(model, test).accuracy)
            scores[variant]["validation"].append(measure(model, validation).accuracy)
            if info.normal:
                alarms[variant].append(alarm_measures(logits_of(model, test), test.y, normal))
            if variant == "dense":
                size = dense_bytes(model)
        left, total = weights_left(model)
        logits = logits_of(model, test)
        if info.normal:
            curves.append(alarm_curve(logits, test.y, normal))
        confusion = torch.zeros(len(info.classes), len(info.classes), dtype=torch.int64)
        confusion.index_put_((test.y, logits.argmax(1)), torch.ones_like(test.y), accumulate=True)
        chosen.append(
            {
                "seed": seed,
                "fingerprint": fingerprint(folder),
                "validation_accuracy": scores["safs"]["validation"][-1],
                "test_accuracy": scores["safs"]["test"][-1],
                "bytes": sparse_bytes(model),
                "weights_left": left,
                "audit": audit(model, {}, info.shape, shares).as_json(),
                "activations": dict(spec.activations),
                "hyperparameters": read_fields(folder / "training.json", hyperparameters=dict)["hyperparameters"],
                "confusion": confusion.tolist(),
            }
        )
    gains = [safs - relu for safs, relu in zip(scores["safs"]["test"], scores["relu"]["test"], strict=True)]
    best = max(chosen, key=lambda entry: entry["validation_accuracy"])
    return {
        "sparsity": spec.sparsity,
        "architecture": spec.architecture,
        "data": info.name,
        "data_fingerprint": info.fingerprint,
        "test_images": len(test.y),
        "classes": list(info.classes),
        "seeds": seeds,
        "variants": {
            name: {**values, "test_mean": mean(values["test"]), "test_spread": spread(values["test"])}
            for name, values in scores.items()
        },
        "normal": info.normal,
        "alarms": {name: summarise(measured) for name, measured in alarms.items()} if info.normal else {},
        "alarm_curves": curves,
        "gain_mean": mean(gains),
        "gain_spread": spread(gains),
        "weights": total,
        "weights_left": left,
        "dense_bytes": size,
        "sparse_bytes": best["bytes"],
        "models": chosen,
        "confusion": best["confusion"],
    }


def logits_of(model: nn.Module, data: Batchable) -> Tensor:
    """Logits [count, classes] of all examples."""
    return torch.cat(list(predict_logits(model, data.x)))
