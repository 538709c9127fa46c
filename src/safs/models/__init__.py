"""Networks, and how they are kept on disk."""

from safs.models.folder import (
    ModelSpec,
    build,
    describe_activations,
    fresh_model,
    load_model,
    load_spec,
    save_model,
    seed_folders,
)
from safs.models.named import MODELS, construct

__all__ = [
    "MODELS",
    "ModelSpec",
    "build",
    "construct",
    "describe_activations",
    "fresh_model",
    "load_model",
    "load_spec",
    "save_model",
    "seed_folders",
]
