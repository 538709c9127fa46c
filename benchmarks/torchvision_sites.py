"""Puts every classification model of torchvision through the activation sites and writes down how it went.

    python -m benchmarks.torchvision_sites [--seconds 900] [--out benchmarks/results/torchvision-sites.json]

For each model: its sites are found, replaced by themselves with outputs equal to the bit, replaced by tanh with learnt
scales, and the network is trained for one step. Weights are fresh, the batch is 2, images are as small as the model takes.
"""

import argparse
import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from safs.activations import (
    activation_sites,
    expose_sites,
    original_operators,
    scale_parameters,
    set_activations,
    unseen,
)
from safs.models import construct

CLASSES = 10
SIDES = {"inception_v3": 96, "maxvit_t": 224, "vit_h_14": 56}  # pixels; 64 for all others


def survey(architecture: str, side: int) -> dict[str, Any]:
    """Put one model through.

    Args:
        architecture: such as `torchvision:resnet18` or `timm:resnet10t`.
        side: height and width of the images, in pixels.

    Returns:
        Numbers of parameters and sites, the sites' operators, what was left and why, whether the outputs were equal, the
        loss of the step, how many scales got a gradient, and seconds.
    """
    begin = time.perf_counter()
    torch.manual_seed(0)
    model = construct(architecture, (3, side, side), CLASSES).eval()
    x = torch.randn(2, 3, side, side)
    exposed = expose_sites(model, (3, side, side)).eval()
    operators = original_operators(exposed)
    set_activations(exposed, operators)
    with torch.no_grad():
        equal = torch.equal(model(x), exposed(x))
    del model
    set_activations(exposed, dict.fromkeys(operators, "tanh"), "layer")
    exposed.train()
    optimizer = torch.optim.SGD(exposed.parameters(), lr=1e-3)
    loss = F.cross_entropy(exposed(x), torch.tensor([0, 1]))
    loss.backward()
    optimizer.step()
    scales = scale_parameters(exposed)
    return {
        "model": architecture,
        "side": side,
        "parameters": sum(p.numel() for p in exposed.parameters()) - len(scales),
        "sites": len(activation_sites(exposed)),
        "operators": dict(Counter(operators.values())),
        "left": unseen(exposed),
        "equal": equal,
        "loss": round(float(loss.detach()), 4),
        "scales_trained": sum(scale.grad is not None and bool(torch.isfinite(scale).all()) for scale in scales),
        "seconds": round(time.perf_counter() - begin, 1),
    }


def sweep(
    survey: Callable[[str, int], dict[str, Any]], seconds: float, known: Iterable[dict[str, Any]] = ()
) -> Iterator[dict[str, Any]]:
    """What a survey says of every classification model of torchvision, the smallest first; what fails is told, not raised.

    Args:
        survey: takes an architecture and the side of the images, in pixels.
        seconds: no model is begun after so many.
        known: what it has said of some of them already.
    """
    from torchvision import models

    sizes = {
        name: models.get_model_weights(name).DEFAULT.meta["num_params"] for name in models.list_models(module=models)
    }
    begin, said = time.perf_counter(), {result["model"]: result for result in known if "error" not in result}
    for name in sorted(sizes, key=lambda name: sizes[name]):
        architecture = f"torchvision:{name}"
        if architecture in said:
            yield said[architecture]
            continue
        if time.perf_counter() - begin > seconds:
            result = {"model": architecture, "error": "not begun: the time was over"}
        else:
            try:
                result = survey(architecture, SIDES.get(name, 64))
            except Exception as error:  # the table says which and why
                result = {"model": architecture, "error": f"{type(error).__name__}: {error}"}
        yield result


def row(result: dict[str, Any]) -> str:
    """One line of the table."""
    if "sites" not in result:
        return f"{result['model']:32} {result['error']}"
    operators = " ".join(f"{name} {count}" for name, count in result["operators"].items())
    return (
        f"{result['model']:32} {result['parameters'] / 1e6:7.1f}M {result['side']:4} {result['sites']:4} "
        f"{'equal' if result['equal'] else 'DIFFERS':8} {result['loss']:8.4f} {result['seconds']:6.1f} s  "
        f"{operators}{'  left: ' if result['left'] else ''}{'; '.join(result['left'])}"
    )


def main() -> None:
    """Print the table and write it as JSON."""
    import torchvision

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=900, help="no model is begun after so many seconds")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/torchvision-sites.json"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    begin, results = time.perf_counter(), []
    for result in sweep(survey, arguments.seconds):
        results.append(result)
        print(row(result), flush=True)
    done = [r for r in results if r.get("equal") and r["scales_trained"] == 2 * r["sites"]]
    whole = [r for r in done if not r["left"]]
    print(f"{len(done)} of {len(results)} models went through, {len(whole)} of them with nothing left")
    measured = {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "machine": f"{platform.machine()}, one core",
        "seconds": round(time.perf_counter() - begin),
        "went_through": len(done),
        "models": results,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
