"""Puts figures into the README: `python -m benchmarks.readme_table [SELECTION_FOLDER]`.

The table of accuracies comes from the selection folder of a finished run, that of speed from `benchmarks/results/inference.json`.
"""

import re
import sys
from pathlib import Path

from benchmarks.results import lines
from benchmarks.workshop import RESULTS
from safs.files import read_json, write_text

README = Path(__file__).parents[1] / "README.md"
VARIANTS = {"dense": "dense", "relu": "pruned, ReLU", "stage1": "stage 1", "stage2": "stage 2", "safs": "SAFS"}
NETWORKS = {"resnet18": "ResNet-18", "vgg16": "VGG-16", "efficientnet_b0": "EfficientNet-B0", "lenet5": "LeNet-5"}


def accuracies(selection: Path) -> str:
    """The accuracies of a selection folder."""
    rows = []
    for entry in read_json(selection / "selection.json")["evaluations"]:
        cells = [entry["variants"][name] for name in VARIANTS]
        shown = [f"{100 * cell['test_mean']:.2f} ± {100 * cell['test_spread']:.2f}" for cell in cells]
        gain = f"{100 * entry['gain_mean']:+.2f} ± {100 * entry['gain_spread']:.2f}"
        rows.append([f"{100 * entry['sparsity']:g}%", *shown, gain, f"{entry['sparse_bytes']:,}"])
    return lines(["zeros", *VARIANTS.values(), "SAFS - ReLU, paired", "bytes"], rows)


def speed() -> str:
    """How much smaller and faster layer-wise pruned networks are."""
    found = read_json(RESULTS / "inference.json")["rows"]
    rows = []
    for network, name in NETWORKS.items():
        for zeros in ("90%", "95%", "99%"):
            row = found[f"{network} {zeros} layerwise"]
            batches = [row["milliseconds"][batch] for batch in ("1", "32")]
            ratios = [
                [times["onnxruntime"][0] / times[ours][0] for times in batches] for ours in ("safs", "safs learnt")
            ]
            plain = [f"{ratio:.1f} x" for ratio in ratios[0]]
            learnt = " / ".join(f"{ratio:.1f} x" for ratio in ratios[1])
            rows.append([name, zeros, f"1/{row['times_smaller']:.0f}", *plain, learnt])
    return lines(["network", "zeros", "file", "one image", "32 images", "learnt activations"], rows)


def put(text: str, mark: str, content: str) -> str:
    """The text with a content between its marks.

    Raises:
        SystemExit: it has no such marks.
    """
    text, found = re.subn(
        rf"(<!-- {mark} -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{content}\n{m[2]}", text, flags=re.S
    )
    if not found:
        sys.exit(f"error: {README} has no place between <!-- {mark} --> and <!-- end -->")
    return text


if __name__ == "__main__":
    page = put(README.read_text(encoding="utf-8"), "speed", speed())
    if len(sys.argv) > 1:
        page = put(page, "accuracy", accuracies(Path(sys.argv[1])))
    write_text(README, page)
