"""Step 8: the chosen model goes into the registry, as the challenger."""

import shutil
from pathlib import Path
from typing import Any

from safs.errors import SafsError
from safs.steps.context import Context
from safs.steps.work import work_folder


def register(
    data: Path,
    selection: Path,
    out: Path,
    model_name: str = "safs",
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Register the selected model with its signature, an example and tags, under the alias challenger.

    It is registered in every form that can hold it: for the runtime, which needs no torch, for ONNX and for PyTorch; each is
    checked against the model first, with a profile of its inputs and predictions for monitoring. The same model is registered once: doing it again gives the version that is there.

    Args:
        data: Data set folder, the output of prepare.
        selection: Folder of the selection, the output of select.
        out: Folder to write registration.json and the model in all its forms to.
        model_name: Name in the model registry.

    Raises:
        SafsError: no model was selected, an input is missing or damaged, or there is no registry.
    """
    import torch

    from safs.data import load_info, load_part
    from safs.data.tensors import as_inputs, load_tensors
    from safs.export.packaging import make_package
    from safs.files import fingerprint, read_json, write_json
    from safs.models import describe_activations, load_model
    from safs.pruning.masks import mask_fingerprint, weights_left
    from safs.reference.profile import make_profile, write_profile
    from safs.training.trainer import predict_logits

    if context.registry is None:
        raise SafsError("there is no model registry; run register through the safs command or the pipeline")
    chosen = read_json(selection / "selection.json")
    chosen = chosen.get("chosen", {}) if isinstance(chosen, dict) else {}
    if chosen is None:
        raise SafsError(f"{selection} holds no model: none qualified; lower --accuracy-floor or raise --max-bytes")
    if not {"validation_accuracy", "test_accuracy", "bytes"} <= set(chosen):
        raise SafsError(f"{selection / 'selection.json'} does not describe a selection; make it again")
    model = selection / "model"
    network, spec = load_model(model)
    left, total = weights_left(network)
    info = load_info(data)
    validation = load_part(data, "validation")
    inputs = as_inputs(validation.x)
    logits = predict_logits(network, load_tensors(data, "validation").x)
    probabilities = torch.cat(list(logits)).softmax(1).numpy()
    tags = {
        "sparsity": str(spec.sparsity),
        "weights": str(total),
        "weights_left": str(left),
        "mask_fingerprint": mask_fingerprint(network),
        "activations": describe_activations(spec),
        "architecture": spec.architecture,
        "seed": str(spec.seed),
        "data": info.name,
        "data_fingerprint": info.fingerprint,
        "model_fingerprint": fingerprint(model),
        "validation_accuracy": str(chosen["validation_accuracy"]),
        "test_accuracy": str(chosen["test_accuracy"]),
        "sparse_bytes": str(chosen["bytes"]),
    }
    context.tracker.progress(0, 1, model_name)
    with work_folder("register", out, context, model=model, model_name=model_name) as work:
        package = work / "package"
        shutil.rmtree(package, ignore_errors=True)  # what an interrupted try left
        package.mkdir()
        forms = make_package(data, model, package)
        write_profile(package, make_profile(inputs, probabilities, validation.y, spec.classes))
        tags["forms"] = ", ".join(["torch", *(form for form, found in forms.items() if "missing" not in found)])
        tags["package_fingerprint"] = fingerprint(package)
        registered = context.registry.register(model_name, package, inputs[:4], tags)
        write_json(work / "registration.json", registered)
    context.tracker.progress(1, 1, f"{registered['name']} version {registered['version']}")
    return registered
