"""A convolution in a program: what each nonzero reads, row by row, and what is done with the sums."""

import numpy as np
from numpy.typing import NDArray

from safs.runtime.assembly import Assembly, chosen
from safs.runtime.blocking import parts
from safs.runtime.costs import DENSE_GAIN, STRIP
from safs.runtime.formulas import coded
from safs.runtime.fusing import Group, input_channels, is_free, output_channels
from safs.runtime.lanes import LONGEST, WIDTH
from safs.runtime.network import Floats, Ints, Node
from safs.runtime.pairing import pairs, twice
from safs.runtime.planes import Cover, Tensor
from safs.runtime.program import Kind
from safs.runtime.windows import Phases, Window

SCRATCH = 0  # where a single number is made a vector


def lower_convolution(low: Assembly, group: Group) -> None:
    """Add a convolution's operations, with all that is fused with it, to a program."""
    node, wanted = group.main, low.plan.needed[group.end]
    source = low.tensors[group.inputs[0]]
    window = Window.of(node, source.shape, low.plan.shapes[group.end])
    channel, down, across, row = _taps(node, wanted)
    values = node.sparse["weight"].values[wanted[output_channels(node)]]
    phases = low.apart.get(group.end)
    if phases:
        source = _taken_apart(low, phases)
        channel, y, x = _phase(phases, window, (channel, down, across))
    else:
        y, x = window.place(down, across)
    places = y * source.step + x * source.column
    if window.single:  # one output: what a tap reads is known, and may be padding
        inside = (y >= 0) & (y < source.shape[1]) & (x >= 0) & (x < source.shape[2])
        channel, row, values, places = channel[inside], row[inside], values[inside], source.place(y[inside], x[inside])
    offsets = np.array(source.planes, np.int64)[channel] + places
    order = np.lexsort((offsets, row))
    offsets, values, row = offsets[order], values[order], row[order]
    _rows(low, group, window, (offsets, values, np.searchsorted(row, np.arange(int(wanted.sum()) + 1))))
    if phases and phases.readers[-1][0] is group:
        low.release(phases.tensor)


def _taps(node: Node, wanted: NDArray[np.bool_]) -> tuple[Ints, Ints, Ints, Ints]:
    """Input channel, row and column in the kernel, and number among the wanted rows of each nonzero in those rows."""
    weight = node.sparse["weight"]
    row = output_channels(node)
    kept = wanted[row]
    high, wide = weight.shape[2:]
    positions = weight.positions[kept]
    number = (np.cumsum(wanted) - 1)[row[kept]]
    return input_channels(node)[kept], positions // wide % high, positions % wide, number


def _phase(phases: Phases, window: Window, taps: tuple[Ints, Ints, Ints]) -> tuple[Ints, Ints, Ints]:
    """Number of the phase, row and column of what each tap reads for the first output."""
    channel, *place = taps
    (high, wide), (y, x) = phases.stride, window.place(*place)
    return (channel * high + y % high) * wide + x % wide, y // high, x // wide


def _taken_apart(low: Assembly, phases: Phases) -> Tensor:
    """An input taken apart by the stride, so that convolutions move by one over its phases; done for the first of them."""
    group, _ = phases.readers[0]
    source, kept = low.tensors[group.inputs[0]], low.tensors.get(phases.tensor)
    if kept and kept.interleave == low.interleave:
        return kept
    high, wide = phases.stride
    wanted = np.zeros(source.shape[0] * high * wide, bool)
    for reader, window in phases.readers:
        wanted[_phase(phases, window, _taps(reader.main, low.plan.needed[reader.end])[:3])[0]] = True
    tag = (source.shape, phases.stride, phases.tensor)
    taken = low.allocate(phases.tensor, *phases.size, wanted, tag)
    numbers = np.flatnonzero(wanted)
    first = np.array(source.planes, np.int64)[numbers // (high * wide)]
    sizes = [*source.shape[1:], source.step, source.run, high, wide, *low.target(taken)]
    low.op(Kind.PHASES, first, numbers % (high * wide), chosen(taken, wanted), *sizes)
    return taken


def _rows(low: Assembly, group: Group, window: Window, sorted_by_row: tuple[Ints, Floats, Ints]) -> None:
    """The rows of a convolution, as strips or as single products, whichever is cheaper."""
    offsets, values, starts = sorted_by_row
    wanted = low.plan.needed[group.end]
    lasting = np.zeros(len(wanted), bool)
    if not window.single and group.residual is None:
        lasting[wanted] = np.diff(starts) == 0  # nothing but a bias, whatever the images are
    out = low.output(group, lasting)
    code, place, own, relu = _fused(low, group, out)
    rows = np.zeros((int(wanted.sum()), 6), np.int64)
    rows[:, 0], rows[:, 1], rows[:, 2] = starts[:-1], starts[1:], chosen(out, wanted)
    rows[:, 3] = chosen(low.tensors[group.residual], wanted) if group.residual is not None else -1
    rows[:, 4] = np.flatnonzero(wanted) if own else 0
    rows[:, 5] = 1
    bias = group.main.dense["bias"][wanted]
    if out.length == 1:
        _products(low, (offsets, values, starts), rows, bias, [code, place, 0, int(relu)])
        return
    cover = (
        Cover(1, -(-low.interleave // WIDTH), low.interleave) if window.single else _cover(out, len(values), len(rows))
    )
    fields = [cover.run, low.mask(out, cover), code, place, cover.rows, int(relu), 4 * cover.step, *out.sides]
    always, rest = lasting[wanted], ~lasting[wanted]
    if always.any():
        low.once.append(low.convolution(Kind.CONV, rows[always], bias[always], offsets[:0], values[:0], fields))
    nonzeros = offsets, values, np.append(starts[:-1][rest], len(offsets))
    two = pairs(offsets, nonzeros[2], cover.run if cover.rows == 1 else 0)
    one = np.setdiff1d(np.arange(np.count_nonzero(rest)), two)[:, None]
    for kind, units in ((Kind.CONV_PAIRS, two), (Kind.CONV, one)):
        if len(units):
            low.ops.append(_strips(low, kind, units, nonzeros, rows[rest], bias[rest], cover, fields))


def _cover(out: Tensor, nonzeros: int, rows: int) -> Cover:
    """The cheapest way to cover a plane: fewer vectors, or fewer strips of them."""

    def cost(cover: Cover) -> float:
        return cover.count(LONGEST) * (STRIP * rows + nonzeros) + cover.rows * cover.run * nonzeros

    return min(out.covers, key=cost)


def _strips(
    low: Assembly,
    kind: Kind,
    units: Ints,
    sorted_by_row: tuple[Ints, Floats, Ints],
    rows: Ints,
    bias: Floats,
    cover: Cover,
    fields: list[int],
) -> list[int]:
    """An operation on units of rows that are computed together, [units, rows], part by part of what they read."""
    offsets, values, starts = sorted_by_row
    together = units.shape[1]
    unit, member = np.full(len(rows), -1), np.zeros(len(rows), np.int64)
    unit[units], member[units] = np.arange(len(units))[:, None], np.arange(together)
    row = np.repeat(np.arange(len(rows)), np.diff(starts))
    order = np.lexsort((member[row], offsets, unit[row]))[np.count_nonzero(unit[row] < 0) :]
    row, offsets, values = row[order], offsets[order], values[order]
    begins = np.searchsorted(unit[row], np.arange(len(units) + 1))
    tall, wide = cover.strips(LONGEST // together)
    length = (tall - 1) * cover.step + wide * WIDTH
    shared_or_whose = np.where(twice(unit[row], offsets, row), 0, 1 + member[row])
    found = parts(offsets, begins, length, shared_or_whose, 1 + together)
    entries, biases = rows[units[found.row]], bias[units[found.row]]
    entries[:, :, :2] = found.bounds[:, -2 * together :].reshape(-1, together, 2)
    entries[:, :, 5] = found.last[:, None]
    entries[~found.first, :, 3], biases[~found.first] = entries[~found.first, :, 2], 0
    taken = offsets[found.order], values[found.order]
    return low.convolution(kind, entries.reshape(-1, 6), biases.ravel(), *taken, fields)


def _products(
    low: Assembly, sorted_by_row: tuple[Ints, Floats, Ints], rows: Ints, bias: Floats, fields: list[int]
) -> None:
    """Rows whose output is one number each, by what is left of the weights or by all of them."""
    offsets, values, starts = sorted_by_row
    lowest = int(offsets.min()) if len(offsets) else 0
    span = int(offsets.max()) + 1 - lowest if len(offsets) else 0
    kind, dense = Kind.SPARSE_DOT, (0, 0)
    if span * len(rows) < DENSE_GAIN * len(values):
        weights = np.zeros((len(rows), span), np.float32)
        weights[np.repeat(np.arange(len(rows)), np.diff(starts)), offsets - lowest] = values
        kind, dense = Kind.DENSE_DOT, (sum(map(len, low.dense)), span)
        low.dense.append(weights.ravel())
        offsets, values = offsets[:0], values[:0]
    entry = low.convolution(kind, rows, bias, offsets, values, [1, 0, *fields, *dense, SCRATCH])
    entry[1] = lowest
    low.ops.append(entry)


def _fused(low: Assembly, group: Group, out: Tensor) -> tuple[int, int, bool, bool]:
    """Code, place of the scales, whether each channel has its own, and whether it is a plain ReLU."""
    activation = group.activation
    if activation is None or is_free(activation):
        return -1, 0, False, activation is not None and activation.settings["operator"] == "relu"
    code, table = coded(activation, out.shape[0])
    return code, low.scale_rows(table), len(table) > 1, False
