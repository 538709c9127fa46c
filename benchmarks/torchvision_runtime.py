"""Puts every classification model of torchvision, pruned to 80%, into the sparse runtime and writes down how it went.

    python -m benchmarks.torchvision_runtime [--seconds 900] [--out benchmarks/results/torchvision-runtime.json]

A model runs, with outputs equal to PyTorch's in float64, or it is refused by the name of a layer. Weights are fresh, images are as
small as the model takes.
"""

import argparse
import platform
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from benchmarks.networks import relative_error, settle
from benchmarks.torchvision_sites import CLASSES, sweep
from safs.compaction import compact
from safs.errors import NotCoveredError
from safs.export.sparse_file import write
from safs.export.tracing import trace
from safs.files import read_json, write_json
from safs.models import ModelSpec, fresh_model
from safs.pruning.making import make_masks
from safs.pruning.masks import apply_masks

SPARSITY, IMAGES = 0.8, 4


def survey(architecture: str, side: int) -> dict[str, Any]:
    """Prune a model, and run it or say why not."""
    begin, shape = time.perf_counter(), (3, side, side)
    classes = tuple(str(number) for number in range(CLASSES))
    spec = ModelSpec(architecture, shape, classes, (0.5,) * 3, (0.25,) * 3)
    model = fresh_model(spec)
    apply_masks(model, make_masks(model, SPARSITY, "layerwise"))
    found: dict[str, Any] = {
        "model": architecture,
        "side": side,
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    images = torch.randn(IMAGES, *shape, generator=torch.Generator().manual_seed(0))
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    settle(model, images.repeat(2, 1, 1, 1))
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "model.safs"
            write(path, trace(compact(model, shape).model, spec))
            found["relative_error"], found["torch_in_float32"] = relative_error(path, model, images.numpy())
    except NotCoveredError as error:
        found["refused"] = str(error)
    return {**found, "seconds": round(time.perf_counter() - begin, 1)}


def main() -> None:
    """Print how each model went and write it as JSON."""
    import torchvision

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=900, help="no model is begun after so many seconds")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/torchvision-runtime.json"))
    parser.add_argument("--resume", action="store_true", help="take what is in that file already as it is")
    given = parser.parse_args()
    torch.set_num_threads(1)
    results = []
    known = read_json(given.out)["models"] if given.resume and given.out.exists() else []
    for result in sweep(survey, given.seconds, known):
        results.append(result)
        print(result, flush=True)
        measured = {"torch": torch.__version__, "torchvision": torchvision.__version__, "machine": platform.machine()}
        write_json(given.out, {**measured, "sparsity": SPARSITY, "models": results})


if __name__ == "__main__":
    main()
