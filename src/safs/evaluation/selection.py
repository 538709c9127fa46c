"""Which sparse model is the best one under the user's limits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safs.errors import SafsError
from safs.files import fingerprint, read_fields

INSIGHT, SERVING = "insight.json", "serving.json"


def entries_of(evaluations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The safs models of all evaluations, each with its sparsity."""
    return [{**entry, "sparsity": e["sparsity"]} for e in evaluations for entry in e["models"]]


def best_entry(evaluations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The safs model with the best validation accuracy; of equals the smallest."""
    return max(entries_of(evaluations), key=lambda e: (e["validation_accuracy"], -e["bytes"]))


def choose(
    evaluations: Sequence[dict[str, Any]], accuracy_floor: float, max_bytes: int, prefer: str
) -> tuple[dict[str, Any] | None, str]:
    """Choose among the safs models of all evaluations, looking at validation accuracy and bytes only.

    Returns:
        The chosen model's entry with its sparsity, or None if none qualifies; and the reason in words.
    """
    entries = entries_of(evaluations)
    for entry in entries:
        del entry["confusion"]
    good = [e for e in entries if e["validation_accuracy"] >= accuracy_floor]
    fitting = [e for e in good if not max_bytes or e["bytes"] <= max_bytes]
    if not fitting:
        top = max(entries, key=lambda e: e["validation_accuracy"])
        small = min(entries, key=lambda e: e["bytes"])
        limit = f"at most {max_bytes:,} bytes" if max_bytes else "any size"
        return None, (
            f"none of {len(entries)} models has validation accuracy {accuracy_floor:.2%} or more at {limit}; the most "
            f"accurate has {top['validation_accuracy']:.2%} at {top['bytes']:,} bytes, the smallest "
            f"{small['validation_accuracy']:.2%} at {small['bytes']:,} bytes"
        )
    if prefer == "size":
        best = min(fitting, key=lambda e: (e["bytes"], -e["validation_accuracy"]))
    else:
        best = max(fitting, key=lambda e: (e["validation_accuracy"], -e["bytes"]))
    what = "smallest" if prefer == "size" else "most accurate"
    return best, (
        f"{what} of {len(fitting)} qualified models: sparsity {best['sparsity']:g}, seed {best['seed']}, "
        f"validation accuracy {best['validation_accuracy']:.2%}, {best['bytes']:,} bytes"
    )


def read_evaluation(folder: Path) -> dict[str, Any]:
    """Read the evaluation of a folder that `evaluate` wrote, and under `insight` and `serving` those files if it has them.

    Raises:
        SafsError: it is missing, damaged or about no model.
    """
    path = folder / "evaluation.json"
    evaluation = read_fields(path, sparsity=float, seeds=list, variants=dict, models=list, data=str, classes=list)
    if not evaluation["models"]:
        raise SafsError(f"{path} is about no model; make it again")
    if (folder / INSIGHT).exists():
        insight = read_fields(folder / INSIGHT, ablation=dict, training=dict, activations=dict)
        evaluation = {**evaluation, "insight": insight}
    if (folder / SERVING).exists():
        evaluation = {**evaluation, "serving": read_fields(folder / SERVING, models=dict, cost=dict, processor=str)}
    return evaluation


def find_model(folders: Sequence[Path], chosen: dict[str, Any]) -> Path:
    """The folder of a chosen model, told by its fingerprint.

    Raises:
        SafsError: no folder has it.
    """
    for folder in folders:
        candidate = folder / f"seed-{chosen['seed']}" / "safs"
        if candidate.is_dir() and fingerprint(candidate) == chosen["fingerprint"]:
            return candidate
    raise SafsError(f"none of {[str(f) for f in folders]} holds the evaluated model {chosen['fingerprint'][:12]}")
