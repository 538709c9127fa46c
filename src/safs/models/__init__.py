"""Networks, and how they are kept on disk."""

from safs.models.folder import (
    MODELS,
    ModelSpec,
    build,
    describe_activations,
    fresh_model,
    load_model,
    load_spec,
    save_model,
    seed_folders,
)

__all__ = [
    "MODELS",
    "ModelSpec",
    "build",
    "describe_activations",
    "fresh_model",
    "load_model",
    "load_spec",
    "save_model",
    "seed_folders",
]
