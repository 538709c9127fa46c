"""What bounds a sparse convolution's inner loop: `python -m benchmarks.strips`.

Nanoseconds of one multiply-add of a vector, by where the input lies that the nonzeros read (pieces as long as the strip, at random
places), whether the pieces begin where vectors do, and how many vectors a strip has; for strips of two rows, whether both read
the same. Beside it each activation's price.
"""

import time
from collections.abc import Callable

import numpy as np
from numba import njit

from benchmarks.workshop import keep
from safs.runtime.formulas import CODES
from safs.runtime.lanes import BYTES, LONGEST, PAIRED
from safs.runtime.machine import act
from safs.runtime.strips import ENDS, strip, two_strips

KIB = (16, 128, 2048)
LENGTHS = (LONGEST, 6, 3)
NONZEROS = 400
ROUNDS = 60


@njit
def strips(repeats, length, x, nonzeros, mask, y):  # type: ignore[no-untyped-def]
    """The same strip again and again."""
    for _ in range(repeats):
        strip(1, length, 0, x, nonzeros, 0, NONZEROS, np.float32(0), np.float32(0), mask, ENDS, 0, y)


@njit
def pairs_of_strips(repeats, x, nonzeros, shared, mask, y):  # type: ignore[no-untyped-def]
    """The same two strips again and again."""
    zero, half = np.float32(0), (shared + NONZEROS) // 2
    for _ in range(repeats):
        bounds = 0, shared, half, NONZEROS
        two_strips(PAIRED, x, nonzeros, bounds, (zero, zero), zero, mask, ENDS, (0, 0), (y, y + PAIRED * BYTES))


@njit
def acts(repeats, code, x, mask, y, scale):  # type: ignore[no-untyped-def]
    """The same activation of a strip again and again."""
    for _ in range(repeats):
        act(code, 1, LONGEST, 0, x, mask, y, scale)


def aligned(floats: int) -> np.ndarray:
    """Ones from a cache line's beginning on: written, for all that is not lies in the same page of zeros."""
    raw = np.ones(floats + 16, np.float32)
    return raw[-raw.ctypes.data % 64 // 4 :][:floats]


def run_of_strips(kib: int, shift: int, length: int) -> tuple[Callable[[], None], int]:
    """A run of a millisecond or so, and the vectors' multiply-adds in it."""
    arena, pairs, mask, y = memory(kib, shift, np.arange(NONZEROS))
    repeats = 8000 // length

    def run() -> None:
        strips(repeats, length, arena.ctypes.data, pairs.ctypes.data, mask.ctypes.data, y.ctypes.data)

    return run, repeats * NONZEROS * length


def run_of_pairs(kib: int, shift: int, shared: int) -> tuple[Callable[[], None], int]:
    """The same for two rows that read at as many nonzeros the same."""
    arena, pairs, mask, y = memory(kib, shift, np.arange(NONZEROS) // (2 if shared else 1))
    repeats = 8000 // PAIRED

    def run() -> None:
        pairs_of_strips(repeats, arena.ctypes.data, pairs.ctypes.data, shared, mask.ctypes.data, y.ctypes.data)

    return run, repeats * NONZEROS * PAIRED


def memory(kib: int, shift: int, place: np.ndarray) -> tuple[np.ndarray, ...]:
    """Inputs, nonzeros that read from them at random places, a mask and room for outputs."""
    arena, y = aligned(kib * 256 + 16 * BYTES), aligned(LONGEST * BYTES // 4)
    pairs = np.ones((NONZEROS, 2), np.float32).view(np.int32)
    found = np.sort(np.random.default_rng(0).integers(0, kib * 1024 // BYTES, NONZEROS)) * BYTES + shift
    pairs[:, 0] = found[place]
    return arena, pairs, np.full(LONGEST * BYTES // 4, -1, np.int32), y


def run_of_acts(code: int) -> tuple[Callable[[], None], int]:
    """A run of a millisecond or so, and the vectors in it."""
    x, y, mask = aligned(LONGEST * BYTES), aligned(LONGEST * BYTES), np.full(LONGEST * BYTES, -1, np.int32)
    x[:] = 2 * np.random.default_rng(0).normal(size=len(x))
    scale = np.array([1.1, 0.9, 1.2, 0.1], np.float32)
    return lambda: acts(
        150_000 // LONGEST, code, x.ctypes.data, mask.ctypes.data, y.ctypes.data, scale
    ), 150_000 // LONGEST * LONGEST


def main() -> None:
    """Measure in turns, print and keep quartiles."""
    runs = {
        f"{kib} KiB, {'aligned' if shift == 0 else 'shifted'}, {length} vectors": run_of_strips(kib, shift, length)
        for kib in KIB
        for shift in (0, 4)
        for length in LENGTHS
    }
    runs |= {
        f"16 KiB, {'aligned' if shift == 0 else 'shifted'}, two rows of {PAIRED}{', shared' if shared else ''}": run_of_pairs(
            16, shift, shared
        )
        for shift in (0, 4)
        for shared in (0, NONZEROS)
    }
    runs |= {name: run_of_acts(code) for name, code in CODES.items()}
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(ROUNDS + 1):
        for name, (run, vectors) in runs.items():
            start = time.thread_time()
            run()
            if number:  # the first compiles and warms up
                taken[name].append((time.thread_time() - start) * 1e9 / vectors)
    quartiles = {name: np.percentile(values, [50, 25, 75]).round(3).tolist() for name, values in taken.items()}
    for name, (median, low, high) in quartiles.items():
        print(f"{name}: {median:.2f} ns [{low:.2f}, {high:.2f}]")
    strips_of = {name: values for name, values in quartiles.items() if name not in CODES}
    keep("strips", {"strips": strips_of, "activations": {name: quartiles[name] for name in CODES}})


if __name__ == "__main__":
    main()
