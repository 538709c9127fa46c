"""Whether a registered version is what its tags say: weights, mask, sparsity, size, and what is served."""

import numpy as np

from safs.errors import SafsError
from safs.export.size import sparse_bytes
from safs.files import fingerprint
from safs.mlops.versions import Stored
from safs.models import describe_activations, load_model
from safs.pruning.masks import mask_fingerprint, weights_left

SERVED_LIMIT = 1e-4  # probabilities of the served model and of the stored weights


def audit_version(stored: Stored) -> list[str]:
    """What is wrong with a version, in sentences; nothing if all is well.

    Args:
        stored: its files and tags.
    """
    try:
        model, spec = load_model(stored.weights)
    except SafsError as error:
        return [str(error)]
    left, total = weights_left(model)
    facts = {
        "model_fingerprint": fingerprint(stored.weights),
        "package_fingerprint": fingerprint(stored.weights.parent),
        "mask_fingerprint": mask_fingerprint(model),
        "sparsity": str(spec.sparsity),
        "weights": str(total),
        "weights_left": str(left),
        "sparse_bytes": str(sparse_bytes(model)),
        "activations": describe_activations(spec),
        "architecture": spec.architecture,
    }
    faults = [
        f"tag {name} is {_short(stored.tags[name])}, the stored model has {_short(fact)}"
        if name in stored.tags
        else f"tag {name} is missing; register the model again"
        for name, fact in facts.items()
        if stored.tags.get(name) != fact
    ]
    return faults or _served(stored)


def require_sound(stored: Stored) -> None:
    """Refuse a version that is not what its tags say.

    Raises:
        SafsError: it is not.
    """
    faults = audit_version(stored)
    if faults:
        raise SafsError(f"{stored.name} version {stored.version} failed its audit: {'; '.join(faults)}")


def _served(stored: Stored) -> list[str]:
    """Whether what is served computes what the audited weights compute, on noise of the input's shape."""
    import torch

    from safs.data.tensors import normalise
    from safs.training.trainer import predict_logits

    model, spec = load_model(stored.weights)
    x = np.random.default_rng(0).random((8, *spec.input_shape), np.float32)
    inputs = normalise(torch.from_numpy(x), spec.mean, spec.std, spec.curves)
    wanted = torch.cat(list(predict_logits(model, inputs))).softmax(1).numpy()
    off = float(np.abs(stored.predictor()(x) - wanted).max())
    return [] if off <= SERVED_LIMIT else [f"what is served is off by {off:.1e} from the stored weights"]


def _short(value: str) -> str:
    return value if len(value) <= 24 else f"{value[:16]}..."
