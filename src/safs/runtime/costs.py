"""What a network costs, before there is a program for it: which way of computing some images is the cheapest.

Several images in the lanes of a vector make small planes fill their vectors, and weights serve all of them; one image at a time
stays nearer to the core. So the first layers may be computed image by image, and the rest for all at once. The unit is a
multiply-add of a vector, 0.36 ns where the constants were fitted: to times of the layers of VGG-16, ResNet-18 and EfficientNet-B0
at 90 to 99% on an AMD EPYC, for 1, 8 and 16 images; the price of floats away (NEXT) so that the choices are those that were the
quickest for these networks as a whole.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from safs.runtime.fusing import Group, Plan, is_free, last_reads, output_channels
from safs.runtime.lanes import LONGEST, WIDTH
from safs.runtime.layout import families
from safs.runtime.windows import Window, taken_apart

STRIP = 72  # a strip of a row beside its nonzeros
VECTOR, ACTIVATED = 3, 11  # a vector of outputs, and what an activation adds to it
SHORT, FULL = 1.25, 6  # a multiply-add in strips with fewer vectors than would hide its latency
FOLDED = 0.85  # a multiply-add over folded rows
PLANE = 150  # a plane that is copied, pooled or combined
READ = {  # a float that is read, by what is done with it
    "input": 0.8,
    "max_pool": 0.4,
    "avg_pool": 0.7,
    "adaptive_avg": 2,
    "add": 1.5,
    "mul": 1.5,
    "affine": 2,
    "spread": 1.5,
}
PHASE = 0.35  # a float that is copied into its phase
GATHERED, ROW = 5.6, 130  # a lone nonzero, and a row of them
DENSE_GAIN = 4  # a dense row's floats that cost as much as one scattered nonzero
NEAR = 75_000  # floats that a core keeps to itself
DISTANT = 1_000_000  # floats that are near to no core
NEXT, FAR = 0.55, 0.7  # one more than the near ones, and what it adds beyond the distant ones
WIDER = 1.04  # more than a vector's images leave less of the caches
CALL = 15_000  # a call
INTERLEAVES = (1, WIDTH, 2 * WIDTH)


@dataclass(frozen=True)
class Schedule:
    """How some images are computed.

    Attributes:
        interleave: images that are computed together.
        alone: groups that come first, image by image.
        each: cost of these for an image.
        together: cost of the rest, however many of the lanes hold an image.
    """

    interleave: int
    alone: int
    each: float
    together: float

    def cost(self, images: int) -> float:
        """Of a call with so many images, at most `interleave`."""
        return self.each * images + self.together + CALL


class Costs:
    """The costs of a plan.

    Args:
        plan: the groups of a network.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self.families, self.apart = plan, families(plan), taken_apart(plan)
        self.work = [self._counts(group) for group in plan.groups]

    @cached_property
    def schedules(self) -> list[Schedule]:
        """The best way for each number of images that can be computed together."""
        alone = [0.0, *accumulate(self.of(at, 1) for at in range(len(self.work)))]
        each = {0: 0.0}
        each |= {at: alone[at] + self._spread(one) for at, one in enumerate(waists(self.plan)) if one is not None}
        found = []
        for interleave in INTERLEAVES:
            wider = WIDER if interleave > WIDTH else 1.0
            costs = [wider * self.of(at, interleave) for at in range(len(self.work))]
            rest = [*accumulate(reversed(costs), initial=0.0)][::-1]
            cuts = each if interleave > 1 else [0]
            best = min(cuts, key=lambda at: each[at] * interleave + rest[at])
            found.append(Schedule(interleave, best, each[best], rest[best]))
        return found

    def cheapest(self, images: int) -> list[Schedule]:
        """The schedules, the one with the least cost an image first; of equals the one with fewer calls."""

        def cost(schedule: Schedule) -> tuple[float, int]:
            filled = min(images, schedule.interleave)
            return schedule.cost(filled) / filled, -schedule.interleave

        return sorted(self.schedules, key=cost)

    def of(self, at: int, interleave: int) -> float:
        """The cost of a group for so many images at once."""
        group, (rows, nonzeros, length, read, phases) = self.plan.groups[at], self.work[at]
        floats, activated = read + rows * length, group.main.op == "activation" or not is_free(group.activation)
        vectors = -(-length * interleave // WIDTH)
        cost = _traffic(floats * interleave) + ACTIVATED * rows * vectors * activated
        if group.main.op == "conv" and length * interleave == 1:
            return cost + GATHERED * min(nonzeros, read * rows / DENSE_GAIN) + ROW * rows
        if group.main.op == "conv":
            folded = interleave == 1 and self.families.of(group.end).run
            cost += nonzeros * vectors * (FOLDED if folded else SHORT if vectors < FULL else 1)
            cost += rows * (STRIP * -(-vectors // LONGEST) + VECTOR * vectors)
            return cost + phases * PLANE + bool(phases) * PHASE * read * interleave
        return cost + PLANE * rows * (group.main.op != "cat") + READ.get(group.main.op, 0) * read * interleave

    def _counts(self, group: Group) -> tuple[int, int, int, int, int]:
        """Rows that depend on the image, nonzeros, floats of a plane, floats read, and planes taken apart; for one image."""
        shapes, needed = self.plan.shapes, self.plan.needed
        rows, (_, height, width) = int(needed[group.end].sum()), shapes[group.end]
        length = 1 if height * width == 1 else height * self.families.of(group.end).pitch
        read = sum(int(needed[i].sum()) * int(np.prod(shapes[i][1:])) for i in group.reads()) or rows * height * width
        if group.main.op != "conv":
            return rows, 0, length, 0 if group.main.op == "cat" else read, 0
        window = Window.of(group.main, shapes[group.inputs[0]], shapes[group.end])
        kernel = group.main.sparse["weight"].shape[2:]
        phases, apart = 0, self.apart.get(group.end)
        if apart and apart.readers[0][0] is group:
            phases = int(needed[group.inputs[0]].sum()) * min(int(np.prod(window.stride)), int(np.prod(kernel)))
        used = output_channels(group.main)
        nonzeros = int(needed[group.end][used].sum())
        if group.residual is None and not window.single:
            rows = len(np.unique(used[needed[group.end][used]]))
        return rows, nonzeros, length, read, phases

    def _spread(self, index: int) -> float:
        floats = int(self.plan.needed[index].sum()) * int(np.prod(self.plan.shapes[index][1:]))
        return READ["spread"] * floats


def waists(plan: Plan) -> list[int | None]:
    """For each group the only tensor from before that it or a later one reads; None where there are several, or none."""
    last = last_reads(plan)
    found: list[int | None] = []
    count = total = 0
    for at, group in enumerate(plan.groups):
        found.append(total if count == 1 else None)
        ended = [index for index in {*group.reads()} if last[index] == at]
        count += (group.end in last) - len(ended)
        total += group.end * (group.end in last) - sum(ended)
    return found


def _traffic(floats: int) -> float:
    return NEXT * max(0, floats - NEAR) + FAR * max(0, floats - DISTANT)
