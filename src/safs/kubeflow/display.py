"""What a person sees at the end: the table, and where to look next."""

from pathlib import Path
from shlex import quote
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from safs.files import read_json
from safs.kubeflow.local import Outcome

VARIANTS = {"dense": "dense", "relu": "pruned ReLU", "stage1": "stage 1", "stage2": "stage 2", "safs": "SAFS"}


def show_outcome(outcome: Outcome) -> None:
    """Print the closing table of a run, what was registered, and where to look next."""
    console = wide_console()
    selection = read_json(outcome.selection / "selection.json")
    console.print(accuracy_table(selection["evaluations"]))
    verdict = "selected" if selection["chosen"] else "nothing selected"
    console.print(f"\n{verdict}: {selection['reason']}", highlight=False)
    cached = 3 + 4 * len(selection["evaluations"]) + bool(selection["chosen"]) - len(outcome.ran)
    share = 1 - outcome.worked / outcome.seconds
    console.print(
        f"{outcome.seconds:.0f} s; {len(outcome.ran)} tasks run, {cached} taken from the cache; "
        f"{share:.0%} of the time went outside the steps' own work\n",
        highlight=False,
    )
    rows = [("report", str(outcome.selection / "report.html"))]
    if outcome.registration:
        registered = outcome.registration
        rows.append(("model", f"{registered['name']} version {registered['version']}, {registered['uri']}"))
    rows += [
        ("runs", f"mlflow ui --backend-store-uri {quote(outcome.tracking)}"),
        ("run id", outcome.run),
        ("log", str(outcome.log)),
    ]
    for name, value in rows:
        console.print(f"{name:<8}{value}", soft_wrap=True, highlight=False, markup=False)


def wide_console() -> Console:
    """A console as wide as the terminal; wide enough for the table where there is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


def accuracy_table(evaluations: list[dict[str, Any]]) -> Table:
    """Test accuracy in percent, mean and sample standard deviation over seeds, by sparsity and variant."""
    first = evaluations[0]
    seeds = f"{len(first['seeds'])} seed{'s' if len(first['seeds']) > 1 else ''}"
    table = Table(
        title=f"{first['architecture']} on {first['data']}: test accuracy in %, mean ± spread over "
        f"{seeds}; the dense model has {first['dense_bytes']:,} bytes",
        box=SIMPLE_HEAD,
    )
    table.add_column("zeros", justify="right")
    for label in VARIANTS.values():
        table.add_column(label, justify="right")
    table.add_column("SAFS - ReLU", justify="right")
    table.add_column("bytes", justify="right")
    several = len(first["seeds"]) > 1

    def spread(value: float) -> str:
        return f"±{100 * value:.2f}" if several else ""

    for entry in evaluations:
        cells = [entry["variants"][name] for name in VARIANTS]
        table.add_row(
            f"{100 * entry['sparsity']:g}%",
            *(f"{100 * cell['test_mean']:.2f}{spread(cell['test_spread'])}" for cell in cells),
            f"{100 * entry['gain_mean']:+.2f}{spread(entry['gain_spread'])}",
            f"{entry['sparse_bytes']:,}",
        )
    return table


def show_summary(step: str, out: Path, summary: dict[str, Any]) -> None:
    """Print what a single step has to say."""
    console = Console()
    for name, value in summary.items():
        if not isinstance(value, dict | list):
            console.print(f"{name:<32}{value}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"[green]✓[/] {step} wrote {out}", soft_wrap=True, highlight=False)
