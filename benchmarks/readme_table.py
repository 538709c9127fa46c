"""Puts the table of a finished run into the README: `python -m benchmarks.readme_table SELECTION_FOLDER`."""

import re
import sys
from pathlib import Path

from safs.files import read_json, write_text

README = Path(__file__).parents[1] / "README.md"
VARIANTS = {"dense": "dense", "relu": "pruned, ReLU", "stage1": "stage 1", "stage2": "stage 2", "safs": "SAFS"}


def markdown(selection: Path) -> str:
    """The accuracy table of a selection folder in Markdown."""
    evaluations = read_json(selection / "selection.json")["evaluations"]
    head = ["zeros", *VARIANTS.values(), "SAFS - ReLU, paired", "bytes"]
    rows = [head, ["---:"] * len(head)]
    for entry in evaluations:
        cells = [entry["variants"][name] for name in VARIANTS]
        accuracies = [f"{100 * cell['test_mean']:.2f} ± {100 * cell['test_spread']:.2f}" for cell in cells]
        gain = f"{100 * entry['gain_mean']:+.2f} ± {100 * entry['gain_spread']:.2f}"
        size = f"{entry['sparse_bytes']:,}"
        rows.append([f"{100 * entry['sparsity']:g}%", *accuracies, gain, size])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    table = markdown(Path(sys.argv[1]))
    text = README.read_text(encoding="utf-8")
    marked = r"(<!-- table -->\n).*?(<!-- end -->)"
    text, found = re.subn(marked, lambda place: f"{place[1]}{table}\n{place[2]}", text, flags=re.S)
    if not found:
        sys.exit(f"error: {README} has no place between <!-- table --> and <!-- end -->")
    write_text(README, text)
    print(table)
