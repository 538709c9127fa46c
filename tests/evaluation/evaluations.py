"""Evaluations made by hand."""

from typing import Any

from safs.evaluation.measurement import VARIANTS


def entry(seed: int = 0, validation: float = 0.5, test: float = 0.5, size: int = 1_000, **other: Any) -> dict[str, Any]:
    """One safs model of an evaluation."""
    return {
        "seed": seed,
        "fingerprint": f"{seed}",
        "validation_accuracy": validation,
        "test_accuracy": test,
        "bytes": size,
        "weights_left": 100,
        "audit": {
            "layers": [{"name": "conv1.weight", "weights": 150, "kept": 12, "live": 7}],
            "classes": 2,
            "covered": [1],
            "ceiling": 0.8765,
            "note": "",
            "kept": 12,
            "live": 7,
        },
        "activations": {"act1": "relu", "act2": "tanh"},
        "hyperparameters": {"optimizer": "adam", "learning_rate": 1e-3, "weight_decay": 0.0, "schedule": "cosine"},
        "confusion": [[3, 1], [0, 4]],
        **other,
    }


def evaluation(sparsity: float, *models: dict[str, Any], classes: tuple[str, ...] = ("a", "b")) -> dict[str, Any]:
    """What `evaluation.json` holds for these models."""
    values = {"test": [m["test_accuracy"] for m in models], "validation": [m["validation_accuracy"] for m in models]}
    return {
        "sparsity": sparsity,
        "architecture": "lenet5",
        "data": "digits",
        "data_fingerprint": "0",
        "test_images": 1_234,
        "classes": list(classes),
        "seeds": [m["seed"] for m in models],
        "variants": {name: {**values, "test_mean": 0.4321, "test_spread": 0.0123} for name in VARIANTS},
        "gain_mean": 0.0456,
        "gain_spread": 0.0078,
        "weights": 44_190,
        "weights_left": 442,
        "dense_bytes": 177_704,
        "sparse_bytes": 4_000,
        "models": list(models),
        "confusion": models[0]["confusion"],
    }
