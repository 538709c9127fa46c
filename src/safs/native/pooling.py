"""Max-pooling of 2x2 windows, whose four vectors lie side by side."""

from typing import Any

from safs.native.vectors import kernel, load, splat, store, where_equal, where_greater


@kernel
def largest(arena: Any, values: Any, sums: Any, value: Any, kept: Any, winner: Any, count: Any) -> Any:
    """The largest of each window's `values`, with the sum behind it and its number in the window.

    Args:
        arena: all buffers.
        values: where the first window starts.
        sums: where the sums that the values were made of start; may be `values`.
        value: where the largest values go; -1 where only the sums are wanted.
        kept: where the sums behind them go.
        winner: where their numbers go, as floats.
        count: how many windows.
    """
    for i in range(count):
        v, z = values + 32 * i, sums + 32 * i
        top, behind, number = load(arena, v), load(arena, z), splat(0.0)
        for j in range(1, 4):
            other = load(arena, v + 8 * j)
            number = where_greater(other, top, splat(j), number)
            behind = where_greater(other, top, load(arena, z + 8 * j), behind)
            top = where_greater(other, top, other, top)
        if value >= 0:
            store(arena, value + 8 * i, top)
        store(arena, kept + 8 * i, behind)
        store(arena, winner + 8 * i, number)


@kernel
def unpool(arena: Any, slope: Any, winner: Any, target: Any, count: Any) -> Any:
    """Give each window's gradient to the one of its four sums that was the largest."""
    zero = splat(0.0)
    for i in range(count):
        d, number = load(arena, slope + 8 * i), load(arena, winner + 8 * i)
        for j in range(4):
            store(arena, target + 32 * i + 8 * j, where_equal(number, splat(j), d, zero))
