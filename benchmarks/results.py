"""Writes benchmarks/RESULTS.md and its chart from the kept results: `python -m benchmarks.results`."""

from collections.abc import Callable
from math import prod
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks import accuracy
from benchmarks.workshop import RESULTS
from safs.files import read_json, write_text

PAGE = Path(__file__).with_name("RESULTS.md")


def read(name: str) -> dict[str, Any] | None:
    """A kept result, or None if that benchmark has not been run."""
    path = RESULTS / f"{name}.json"
    return read_json(path) if path.exists() else None


def on(result: dict[str, Any]) -> str:
    """What a result was measured on."""
    machine = result["machine"]
    threads = f"{machine['threads']} thread" + ("s" if machine["threads"] > 1 else "")
    return f"Measured on {machine['processor']}, {threads}, torch {machine['torch']}, Python {machine['python']}."


def lines(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    body = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in body)


def accuracies() -> str:
    """Accuracy by mask, both baselines beside."""
    rows = {name: found for name in accuracy.ROWS if (found := read(f"accuracy-{name}"))}
    if not rows:
        return ""
    ours = [
        "",
        "The search's budget; stage 2's, the same for ReLU tuned and SAFS; and what the search chose, seed by seed:",
        "",
    ]
    for name, row in rows.items():
        tuning, candidates = row["tuning"], accuracy.ROWS[name][2]["candidates"]
        budget = f"{candidates} candidates; {tuning['trials']} trials of up to {tuning['trial_epochs']} epochs, then {tuning['epochs']} epochs"
        ours += [f"- {accuracy.ROWS[name][0]} ({budget}): " + "; ".join(row["activations"])]
    text = (
        f"LeNet-5 on MNIST, {len(accuracy.SEEDS)} seeds, {accuracy.DENSE_EPOCHS} dense epochs; test accuracy in %, mean ± sample "
        "spread; differences are paired by seed. *ceiling*: the most a classifier on the classes with a live path could "
        "reach. *ReLU*: the dense network's hyperparameters, the paper's baseline. *ReLU tuned*: stage 2's tuning and "
        "learnt scales at SAFS's own budget. Selection on validation data alone. The ceiling is why a layer-wise mask at 99% stays "
        "far from the dense network whatever its activations: it leaves the first layer 2 weights and a path to 5 to 7 of the "
        "10 classes, and 200 epochs of fine-tuning bring no more than 80; masks that are made gradually and keep a path to "
        "every class, or that give the layers other budgets (LAMP), lift it."
    )
    return "\n".join(["## Accuracy", "", text, "", accuracy.table(rows), *ours, "", on(next(iter(rows.values())))])


def search_cost() -> str:
    """The search's cost beside the plain one."""
    found = read("search-cost")
    if not found:
        return ""
    rows = [
        [label, f"{mean(found[key]['cost']):.1f}", accuracy.percent(found[key]["test"])]
        for key, label in (
            ("plain", "plain late acceptance, 20 candidates x 80 epochs"),
            ("ours", "ours: 40 candidates on the ladder of epochs"),
        )
    ]
    difference = found["ours - plain"]
    text = (
        f"{found['ratio']:.1f} times fewer full-data epochs; test accuracy after {found['final_epochs']} epochs with the chosen operators, "
        f"ours minus plain, paired: {100 * difference['mean']:+.2f} ± {100 * difference['spread']:.2f} points."
    )
    chart = "![Accuracy against epochs spent](results/search-cost.svg)"
    head = ["search", "full-data epochs a seed", "test accuracy, %"]
    return "\n".join(["## Cost of the search", "", lines(head, rows), "", text, "", chart, "", on(found)])


def draw_search_cost() -> None:
    """Final accuracy of the best candidate so far against epochs spent, a line a seed."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    found = read("search-cost")
    if not found:
        return
    with rc_context({"svg.hashsalt": "safs", "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(7, 3.4))
        axes = figure.add_subplot()
        for key, colour in (("plain", "#6b7280"), ("ours", "#15803d")):
            for number, (curve, cost) in enumerate(zip(found[key]["curves"], found[key]["cost"], strict=True)):
                spent = [point[0] for point in curve] + [cost]
                values = [100 * point[1] for point in curve]
                axes.step(spent, [*values, values[-1]], where="post", c=colour, alpha=0.8, label="" if number else key)
        axes.set(
            xscale="log", xlabel="full-data epochs spent on the search", ylabel="validation accuracy after 80 epochs, %"
        )
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
        figure.savefig(RESULTS / "search-cost.svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")


def fidelity() -> str:
    """Rank correlation by fidelity."""
    found = {kind: result for kind in ("layerwise", "lamp", "global") if (result := read(f"fidelity-{kind}"))}
    if not found:
        return ""
    first = next(iter(found.values()))
    rows = []
    for name in first["spearman"]:
        cells = [result["spearman"][name] for result in found.values()]
        rows.append([name, *(f"{mean(c):.2f} ({min(c):.2f} to {max(c):.2f})" for c in cells)])
    text = (
        f"Spearman's correlation with the best of {first['epochs']} epochs, {first['candidates']} random candidates a seed, mean and range. "
        "Fewer images rank worse than fewer epochs: so the ladder takes all images, 2 epochs for every candidate and 8 for one in four:"
    )
    head = ["fidelity", *(f"99% {kind}" for kind in found)]
    return "\n".join(["## Which fidelity ranks candidates well", "", text, "", lines(head, rows), "", on(first)])


def strategies() -> str:
    """Strategies at equal budget."""
    found = read("strategies")
    if not found:
        return ""
    default = found["strategies"]["late-acceptance"]
    rows = []
    for name, row in found["strategies"].items():
        cells = [accuracy.percent(row[key]) for key in ("found", "validation", "test")]
        ahead = accuracy.paired(row["validation"], default["validation"])
        beside = "" if row is default else f"{100 * ahead['mean']:+.2f} ± {100 * ahead['spread']:.2f}"
        rows.append([name, *cells, beside, f"{row['cost']:.0f}"])
    budget = found["budget"]
    text = (
        f"{budget['candidates']} different candidates on the search step's ladder of epochs, {len(found['seeds'])} seeds, 99% layer-wise; "
        "the choice of each then trained for 80 epochs. The default is the one that is ahead "
        "on validation data after that, genetic; the paper's is late acceptance, and none is ahead of it by more than the paired spread:"
    )
    head = [
        "strategy",
        "validation in the search",
        "validation after 80 epochs",
        "test after 80 epochs",
        "paired, validation after 80",
        "epochs",
    ]
    return "\n".join(["## Strategies at equal budget", "", text, "", lines(head, rows), "", on(found)])


def epoch_time() -> str:
    """Seconds of a training epoch."""
    found = read("epoch-time")
    if not found:
        return ""
    plain = found["rows"][0]["seconds"]
    rows = [[row["name"], f"{row['seconds']:.3f}", f"{plain / row['seconds']:.1f}"] for row in found["rows"]]
    text = (
        "LeNet-5 on MNIST, 50,000 images, batch 256, CPU seconds, medians of "
        f"{len(found['rows'][0]['all'])} epochs in turn, in one run. Dense, {found['ratios']['dense']:.1f} times faster than the plain "
        f"loop; 99% layer-wise, {found['ratios']['sparse']:.1f} times faster than our own dense epoch."
    )
    head = ["", "seconds", "times the plain loop"]
    return "\n".join(["## Seconds of one training epoch", "", text, "", lines(head, rows), "", on(found)])


def gpu() -> str:
    """Seconds of a training epoch on a GPU."""
    found = read("gpu")
    if not found:
        return ""
    rows = [
        [row["name"], f"{row['seconds']:.2f}", f"{found['images'] / row['seconds']:,.0f}", f"{row['warming']:.1f}"]
        for row in found["rows"]
    ]
    text = (
        f"ResNet-18 on {found['images']:,} images of CIFAR-10's shape that lie on the GPU, batch {found['batch']}, SGD with random crops "
        f"and mirrors, medians of {len(found['rows'][0]['all'])} epochs in turn (`python -m benchmarks.gpu`). *float32* is PyTorch's: its "
        "convolutions in TF32. *before*: seconds of the first four batches, in which a network is compiled."
    )
    head = ["", "seconds an epoch", "images a second", "before"]
    where = f"Measured on one {found['gpu']}, torch {found['machine']['torch']}, Python {found['machine']['python']}."
    return "\n".join(["## Training on a GPU", "", text, "", lines(head, rows), "", where])


def torchvision_sites() -> str:
    """Activation sites in every classification model of torchvision."""
    found = read("torchvision-sites")
    if not found:
        return ""
    models = found["models"]
    text = (
        f"{found['went_through']} of {len(models)} classification models of torchvision {found['torchvision']}: sites found, replaced by "
        "themselves with outputs equal to the bit, replaced by tanh with learnt scales and trained one step "
        "(`python -m benchmarks.torchvision_sites`)."
    )
    failed = [
        f"- {row['model']}: {row.get('error') or row['left']}" for row in models if not row.get("equal") or row["left"]
    ]
    on_what = f"Measured on {found['machine']}, torch {found['torch']}."
    return "\n".join(["## Activation sites", "", text, "", *failed, *([""] if failed else []), on_what])


def torchvision_runtime() -> str:
    """Which classification models of torchvision the sparse runtime runs."""
    found = read("torchvision-runtime")
    if not found:
        return ""
    models = found["models"]
    ran = [row for row in models if "relative_error" in row]
    worse = [row for row in ran if row["relative_error"] > max(1e-5, 2 * row["torch_in_float32"])]
    text = (
        f"{len(ran)} of the {len(models)} smallest classification models of torchvision {found['torchvision']}, with random weights and "
        f"{found['sparsity']:.0%} of them pruned, run in the sparse runtime (`python -m benchmarks.torchvision_runtime`). Largest "
        f"difference from PyTorch in float64, beside the largest logit: {max(row['relative_error'] for row in ran):.1e}, in PyTorch's own "
        f"float32 {max(row['torch_in_float32'] for row in ran):.1e}; {len(worse)} are more than twice as far off as that, and more "
        "than 1e-5. The others are refused:"
    )
    reasons: dict[str, list[str]] = {}
    for row in models:
        if "relative_error" not in row:
            reasons.setdefault(row.get("refused") or row["error"], []).append(row["model"].partition(":")[2])
    refused = [f"- {', '.join(names)}: {why}" for why, names in reasons.items()]
    on_what = f"Measured on {found['machine']}, torch {found['torch']}."
    return "\n".join(["## Torchvision's models in the runtime", "", text, "", *refused, "", on_what])


def sensors() -> str:
    """Alarms on SKAB, beside a plain baseline."""
    found = read("sensors")
    if not found:
        return ""
    measures = {"f1": "F1", "false_alarm_rate": "FAR", "missed_alarm_rate": "MAR", "average_precision": "AP"}
    settings, windows = found["settings"], found["windows"]
    forest = ["isolation forest, no labels", *(accuracy.percent(found["forest"][name]["values"]) for name in measures)]
    tables = []
    for run in found["runs"]:
        rows = []
        for row in run["rows"]:
            cells = [accuracy.percent(row["alarms"][name]["values"]) for name in measures]
            rows.append(
                [row["name"], *cells, accuracy.percent(row["likelier_class"]["f1"]["values"]), f"{row['bytes']:,}"]
            )
        how = "each class drawn equally often (`--balance`)" if run["balance"] else "windows drawn as they come"
        head = ["", *measures.values(), "F1, likelier class", "bytes"]
        tables += [f"Training with {how}:{_silent(run['rows'])}", "", lines(head, [*rows, [*forest, "", ""]]), ""]
    sizes = ", ".join(f"{count} {part} ({alarms} alarms)" for part, (count, alarms) in windows.items())
    text = (
        f"SKAB, `anomaly-free` and `valve1`, 8 sensors, windows of {settings['window']} rows, one every {settings['stride']}, split by "
        f"file: {sizes}. `safs run --model sensor_cnn`, {settings['candidates']} candidates, {settings['trials']} trials, "
        f"{settings['epochs']} epochs, {len(found['seeds'])} seeds; all in %, mean ± sample spread, on test windows: F1 of alarms, false "
        "alarm rate, missed alarm rate, average precision. Every threshold is the one of the best F1 on validation windows, but for the "
        "column *likelier class*, where a network raises an alarm if that is the likelier class. Networks learn from labels; the isolation "
        "forest sees the normal training windows alone."
    )
    return "\n".join(["## Machine sensors", "", text, "", *tables, on(found)])


def _silent(rows: list[dict[str, Any]]) -> str:
    """Which networks have seeds that never raise an alarm when they name the likelier class."""
    counts = {row["name"]: sum(f1 == 0 for f1 in row["likelier_class"]["f1"]["values"]) for row in rows}
    found = [f"{count} of {name}" for name, count in counts.items() if count]
    return f" (seeds that learnt to raise no alarm at all: {', '.join(found)})" if found else ""


def streaming() -> str:
    """What a memory budget saves and costs."""
    found = read("streaming")
    if not found:
        return ""
    count = sum(found["sizes"].values())
    names = {"memory": "in memory", "streamed": f"budget of {found['budget_gib'] * 1024:.0f} MiB"}
    rows = []
    for name, label in names.items():
        prepared = found["prepare"][name]
        speed = f"{count / prepared['cpu_seconds']:,.0f}"
        rows.append([label, speed, f"{prepared['peak'] / 1e6:,.0f}", f"{found['loaded_peak'][name] / 1e6:,.0f}"])
    ratios = " and ".join(f"{ratio:.2f} ({name})" for name, ratio in found["train_ratio"].items())
    turns = len(found["train_cpu_seconds"]["torch"]["memory"])
    floats = 4 * count * prod(found["shape"])
    text = (
        f"CIFAR-10 as a folder of {count:,} JPEG files: {count * prod(found['shape']) / 1e6:.0f} MB as bytes, {floats / 1e6:.0f} MB as 32-bit floats. "
        "Peaks are what a step adds to a process that has done a small one; the two data sets are equal to the bit. LeNet-5 trained from disk "
        f"(here from the system's cache) takes {ratios} of the CPU time in memory, {turns} times {found['batches']} batches each in turn; its "
        "weights are the same."
    )
    head = ["", "images a CPU second, `prepare`", "peak of `prepare`, MB", "peak of training, MB"]
    return "\n".join(["## A memory budget", "", text, "", lines(head, rows), "", on(found)])


def fetching() -> str:
    """Speed of fetching from S3."""
    found = read("fetching")
    if not found:
        return ""
    names = {
        "boto3": "boto3, one transfer manager for all objects",
        "safs": "`s3://` of safs, checked and kept by content",
    }
    rows = [
        [names[name], f"{found['megabytes_a_second'][name]:.1f}", f"{min(values):.1f} to {max(values):.1f}"]
        for name, values in found["seconds"].items()
    ]
    text = (
        f"{found['bytes'] / 1e6:.0f} MB in {found['objects']:,} objects of 20 kB to 48 MB from `rclone serve s3` on loopback, "
        f"{len(found['seconds']['safs'])} times each in turn: {found['ratio']:.2f} of boto3's speed. The machine was busy with other work; "
        "the two were measured side by side."
    )
    head = ["", "MB a second, median", "seconds"]
    return "\n".join(["## Fetching from S3", "", text, "", lines(head, rows), "", on(found)])


def inference() -> str:
    """Milliseconds of the runtime beside others."""
    found = read("inference")
    if not found:
        return ""
    peers = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "deepsparse": "deepsparse", "torch": "PyTorch"}
    rate = found["multiply_adds_a_millisecond"]
    errors = [pair for row in found["rows"].values() for pair in row["relative_errors"].values()]
    sound = [ours for ours, theirs in errors if theirs < 1e-5]
    worst = max(sound)
    text = (
        "One core, CPU milliseconds of a call, median (quartiles are in the data), all in one run for each row; *times faster* than each "
        "runtime, of which deepsparse has the masked network and the others the dense one. Networks were trained for 2 to 5 epochs, "
        "pruned in one shot, and batch normalisation then took its statistics from training images. *learnt*: the same mask with "
        "an operator drawn at random in every layer and scales of its own for every channel. *of peak*: the multiply-adds with what is left, "
        f"at the rate of this core's dense matrix products ({rate / 1e6:.1f} thousand million a second), as a share of the time "
        "that was taken, and more than all of it where the mask has cut the outputs off from the input, so that nothing is left to compute. "
        "*two cores*: how many times faster, by the clock. Largest difference from PyTorch in float64, beside the largest logit: "
        f"{worst:.1e} where PyTorch itself stays within 1e-5 of that in float32; the other {len(errors) - len(sound)} of {len(errors)} "
        "networks, pruned and not trained again, amplify rounding."
    )
    parts = ["## Inference", "", text]
    for batch in ("1", "32"):
        rows = []
        for title, row in found["rows"].items():
            times = row["milliseconds"][batch]
            ours = times["safs"][0]
            ratios = [f"{times[peer][0] / ours:.1f}" if peer in times else "" for peer in peers]
            peak = row["multiply_adds"] * int(batch) / rate / ours
            size = [f"1/{row['times_smaller']:.0f}", str(row["removed_units"])] if batch == "1" else []
            cores = [f"{times['wall']['safs'] / times['wall']['safs two cores']:.2f}"] if batch == "32" else []
            rows.append([title, *size, f"{ours:.3g}", f"{times['safs learnt'][0]:.3g}", *ratios, f"{peak:.0%}", *cores])
        size, cores = (["file", "units out"], []) if batch == "1" else ([], ["two cores"])
        head = [f"batch {batch}", *size, "ms", "ms, learnt", *peers.values(), "of peak", *cores]
        parts += ["", lines(head, rows)]
    skipped = {f"{peer}: {why}" for row in found["rows"].values() for peer, why in row["skipped"].items()}
    return "\n".join([*parts, "", *(f"Skipped: {one}." for one in sorted(skipped)), on(found)])


def bounds() -> str:
    """What the runtime's inner loop is bounded by."""
    found, layers = read("strips"), read("layers")
    if not found or not layers:
        return ""
    columns = [f"{place}, {length} vectors" for place in ("aligned", "shifted") for length in (12, 6, 3)]
    rows = [
        [f"{kib} KiB", *(f"{found['strips'][f'{kib} KiB, {name}'][0]:.2f}" for name in columns)]
        for kib in (16, 128, 2048)
    ]
    prices = sorted((values[0], name) for name, values in found["activations"].items())
    fitted = layers["nanoseconds"]
    text = (
        "The inner loop takes one strip of outputs, and for each nonzero multiplies a piece of the input, as long as the strip, by one "
        "weight: one load for every multiply-add, two where the piece does not begin where a vector does and crosses a cache line. So it is the "
        "loads that bound it. Nanoseconds of a vector's multiply-add, by how much input the pieces lie in, at random: in the first cache "
        "(32 KiB), the second (512 KiB), the third. That is why a layer's nonzeros are parted by what they read "
        "(`safs.runtime.blocking`), and why the first layers, with large planes, are computed image by image and the rest for as many images "
        "as fill a vector (`safs.runtime.costs`). And that is why the rows of a single image are folded, eight runs of columns beside each "
        "other in the lanes, where they are long and much is read of them (`safs.runtime.layout`): a column further is a vector further "
        "then, and every piece is aligned."
    )
    alone, shared = (found["strips"][f"16 KiB, shifted, two rows of 6{rest}"][0] for rest in ("", ", shared"))
    pairs = (
        f"Two rows of 6 vectors that are computed together take {shared:.2f} ns where both read the same, which they load once, and "
        f"{alone:.2f} where they do not (from the first cache, shifted). So rows of layers with large planes are paired where they "
        "share 40% of what they read (`safs.runtime.pairing`), as they do at 90% and 95% globally, but not at 99%, "
        "nor where rows are folded. What was tried at 99% and brought 5% or nothing: a second copy of every plane, half a line "
        "further, from which each load that would cross a line is taken; eight images in the lanes from the first layer on; huge "
        "pages; strips of 13 to 15 vectors; folding rows of 16 columns, whose neighbours take as much of the caches as they do."
    )
    more = (
        f"Over {layers['layers']} layers of networks at 90 to 99% (`benchmarks/layers.py`), a multiply-add takes "
        f"{fitted['multiply-add']:.2f} ns, {fitted['in a short strip']:.2f} in strips of fewer than 6 vectors, {fitted['over folded rows']:.2f} over folded rows; a strip {fitted['strip']:.0f} ns beside "
        f"that, a vector of outputs {fitted['vector']:.1f}, one with an activation {fitted['activation']:.1f} more, and 16 floats of "
        f"input or output that a core's own caches do not hold {16 * fitted['float away']:.1f}, beyond a million of them "
        f"{16 * fitted['float far away']:.1f} more; the sum is off by {layers['off']:.0%}. At 90% the multiply-adds bound the "
        "runtime; at 99%, with six nonzeros in a row of the first layers, the strips and the outputs do. Nanoseconds of a vector of an activation: "
        + ", ".join(f"{name} {price:.1f}" for price, name in prices)
        + "."
    )
    return "\n".join(
        [
            "## What bounds the runtime",
            "",
            text,
            "",
            lines(["input", *columns], rows),
            "",
            pairs,
            "",
            more,
            "",
            on(found),
        ]
    )


SECTIONS: tuple[Callable[[], str], ...] = (
    accuracies,
    search_cost,
    fidelity,
    strategies,
    epoch_time,
    gpu,
    inference,
    bounds,
    torchvision_sites,
    torchvision_runtime,
    sensors,
    fetching,
    streaming,
)


def page() -> str:
    """The page that the kept results make."""
    head = "# Results\n\nMade by `python -m benchmarks.results` from the data in `results/`; each section says what it was measured on."
    return "\n\n".join([head, *filter(None, (section() for section in SECTIONS))]) + "\n"


def main() -> None:
    """Write the page and its chart."""
    draw_search_cost()
    write_text(PAGE, page())
    print(PAGE)


if __name__ == "__main__":
    main()
