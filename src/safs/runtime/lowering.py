"""From a network to a program: every offset is worked out beforehand, so that running it is nothing but loops."""

from collections.abc import Callable, Mapping

import numpy as np

from safs.runtime.assembly import Assembly, chosen
from safs.runtime.convolution import lower_convolution
from safs.runtime.costs import Schedule
from safs.runtime.formulas import coded
from safs.runtime.fusing import Group, Plan
from safs.runtime.planes import Tensor
from safs.runtime.program import Kind, Program


def _input(low: Assembly, group: Group) -> None:
    out = low.output(group)
    channels, planes = np.arange(out.shape[0]), np.array(out.planes)
    low.op(Kind.INPUT, channels, channels, planes, *low.target(out))


def _cat(low: Assembly, group: Group) -> None:
    sources = [low.tensors[source] for source in group.inputs]
    planes = [plane for source in sources for plane in source.planes]
    first = sources[0]
    low.tensors[group.end] = Tensor(low.plan.shapes[group.end], first.layout, first.interleave, False, planes, None)


def _pool(low: Assembly, group: Group) -> None:
    source, out, wanted = low.tensors[group.inputs[0]], low.output(group), low.plan.needed[group.end]
    settings = group.main.settings
    kind = Kind.MAX_POOL
    if group.main.op == "avg_pool":
        kind = Kind.ALL_MEAN if settings["include"][0] else Kind.INSIDE_MEAN
    first, target = chosen(source, wanted), chosen(out, wanted)
    (down, across), (top, left), (high, wide) = settings["stride"], settings["padding"][:2], settings["kernel"]
    window = [down, across, top, left, high, wide]
    low.op(kind, first, first, target, *source.shape[1:], source.step, source.run, *window, *low.target(out))


def _adaptive(low: Assembly, group: Group) -> None:
    source, out, wanted = low.tensors[group.inputs[0]], low.output(group), low.plan.needed[group.end]
    first, target = chosen(source, wanted), chosen(out, wanted)
    low.op(Kind.MEANS, first, first, target, *source.shape[1:], source.step, source.run, *low.target(out))


def _pointwise(low: Assembly, group: Group) -> None:
    a, b = (low.tensors[source] for source in group.inputs)
    out, wanted = low.output(group), low.plan.needed[group.end]
    period = 0 if a.shape == b.shape else low.interleave
    kind = Kind.ADD if group.main.op == "add" else Kind.MUL
    first, target = chosen(a, wanted) - a.edge, chosen(out, wanted) - out.edge
    low.op(kind, first, chosen(b, wanted) - b.edge, target, out.length, period)


def _activation(low: Assembly, group: Group) -> None:
    source, out, wanted = low.tensors[group.inputs[0]], low.output(group), low.plan.needed[group.end]
    code, table = coded(group.main, out.shape[0])
    which = np.flatnonzero(wanted) if len(table) > 1 else np.zeros(int(wanted.sum()), np.int64)
    cover = out.covers[0]
    fields = [cover.run, low.mask(out, cover), code, low.scale_rows(table), cover.rows, 4 * cover.step, *out.sides]
    low.op(Kind.ACTIVATION, chosen(source, wanted), which, chosen(out, wanted), *fields)


_LOWER: Mapping[str, Callable[[Assembly, Group], None]] = {
    "input": _input,
    "conv": lower_convolution,
    "cat": _cat,
    "max_pool": _pool,
    "avg_pool": _pool,
    "adaptive_avg": _adaptive,
    "add": _pointwise,
    "mul": _pointwise,
    "activation": _activation,
    "affine": _activation,
}


def lower(plan: Plan, schedule: Schedule) -> Program:
    """The program of a plan.

    Raises:
        SafsError: it would need more memory than offsets of 32 bits can name.
    """
    low = Assembly(plan, schedule)
    for at, group in enumerate(plan.groups):
        if at and at == schedule.alone:
            low.spread(at)
        _LOWER[group.main.op](low, group)
        low.end(at)
    return low.program()
