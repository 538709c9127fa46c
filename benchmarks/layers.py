"""Times of single layers, which the runtime's cost model is fitted to: `python -m benchmarks.layers FILE.safs ...`.

Every operation of every network is timed by itself, in turns for one image and for as many as fill one and two vectors; layers with
rows that are computed two at a time are left out. The fit is printed in nanoseconds; `safs.runtime.costs` has it in multiply-adds of a vector.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from benchmarks.workshop import keep
from safs.runtime import load
from safs.runtime.costs import DISTANT, FULL, INTERLEAVES, NEAR, Costs, Schedule
from safs.runtime.kernels import kernel
from safs.runtime.lanes import LONGEST
from safs.runtime.lowering import lower
from safs.runtime.model import Prepared
from safs.runtime.planes import Cover
from safs.runtime.program import FIELDS, Call, Kind

ROUNDS = 40
TERMS = (
    "multiply-add",
    "in a short strip",
    "over folded rows",
    "strip",
    "vector",
    "activation",
    "float away",
    "float far away",
)


def measured(path: Path) -> list[dict[str, Any]]:
    """What each convolution of a network does, and the nanoseconds that it takes."""
    model = load(path)
    x = np.random.default_rng(0).normal(size=(max(INTERLEAVES), *model.input_shape)).astype(np.float32)
    costs, run = Costs(model._plan), kernel()
    prepared = {
        i: Prepared(lower(model._plan, Schedule(i, 0, 0, 0)), model.input_shape, len(model.classes))
        for i in INTERLEAVES
    }
    memory = {i: program._memory() for i, program in prepared.items()}
    operations = {i: program.program.ops[program.program.once :] for i, program in prepared.items()}
    taken = {i: np.zeros((ROUNDS, len(ops))) for i, ops in operations.items()}
    for i, own in memory.items():
        own.x[:], own.call[Call.IMAGES] = x[:i], i
        run(own.address)
    for number in range(ROUNDS):
        for i, own in memory.items():
            call = own.call
            first, call[Call.OP_COUNT] = call[Call.OPS], 1
            for at in range(taken[i].shape[1]):
                call[Call.OPS] = first + at * FIELDS * 8
                start = time.perf_counter_ns()
                run(own.address)
                taken[i][number, at] = time.perf_counter_ns() - start
            call[Call.OPS] = first
    found = []
    for i, ops in operations.items():
        nanoseconds = np.percentile(taken[i], 20, axis=0)
        rows_of = prepared[i].program.rows
        waiting = [at for at, op in enumerate(ops) if op[0] in (Kind.CONV, Kind.CONV_PAIRS)]
        for at, group in enumerate(costs.plan.groups):
            if group.main.op != "conv" or not _strips(costs, at, i):
                continue
            rows, nonzeros, length, read, _ = costs.work[at]
            places, outputs = [], 0
            while outputs < rows:  # pairs of rows and single rows are two operations
                places.append(waiting.pop(0))
                op = ops[places[-1]]
                outputs += len(np.unique(rows_of[op[2] : op[2] + op[3], 2]))
            if all(ops[place][0] == Kind.CONV for place in places):
                found.append({"network": path.stem, "images": i, "rows": rows, "nonzeros": nonzeros, "vectors": int(op[4] * op[8]), "strips": Cover(int(op[8]), int(op[4]), 0).count(LONGEST), "folded": i == 1 and bool(op[8] > 1),
                              "activation": bool(op[6] >= 0), "floats": (read + rows * length) * i, "ns": float(nanoseconds[places[0]])})  # fmt: skip
    return found


def _strips(costs: Costs, at: int, interleave: int) -> bool:
    rows, _, length, *_ = costs.work[at]
    return rows > 0 and length * interleave > 1


def terms(layer: dict[str, Any]) -> list[float]:
    """What a layer's time is a sum of."""
    products, outputs = layer["nonzeros"] * layer["vectors"], layer["rows"] * layer["vectors"]
    short = layer["vectors"] < FULL
    return [
        products * (not short and not layer["folded"]),
        products * short,
        products * layer["folded"],
        layer["rows"] * layer["strips"],
        outputs,
        outputs * layer["activation"],
        max(0, layer["floats"] - NEAR),
        max(0, layer["floats"] - DISTANT),
    ]


def main() -> None:
    """Measure, fit, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    layers = [layer for path in parser.parse_args().files for layer in measured(path)]
    taken = np.array([layer["ns"] for layer in layers])
    weight = 1 / np.sqrt(taken * [layer["images"] for layer in layers])
    matrix = np.array([terms(layer) for layer in layers], float)
    fitted, _ = nnls(matrix * weight[:, None], taken * weight)
    for name, value in zip(TERMS, fitted, strict=True):
        print(f"{name}: {value:.3f} ns, {value / fitted[0]:.2f} multiply-adds")
    off = np.sqrt(((matrix @ fitted - taken) ** 2 * weight**2).sum() / (taken**2 * weight**2).sum())
    print(f"{len(layers)} layers, off by {off:.0%}")
    keep(
        "layers",
        {"nanoseconds": dict(zip(TERMS, fitted.tolist(), strict=True)), "off": float(off), "layers": len(layers)},
    )


if __name__ == "__main__":
    main()
