"""Masks that keep a path from the input to every class, within the same budgets.

A weight without live input or without a way to a class is worth nothing, whatever its size. Such dead weights make room
for those that join live paths, best score first, and nothing that is on a live path goes for it. A class that
no path reaches gets the path that needs the fewest new weights; what goes for them may not cut off another class.
"""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from safs.pruning.liveness import Flow, flow, shares_of_paths
from safs.pruning.masks import Masks, prunable_weights
from safs.pruning.scopes import GONE

NEW = 1e-6  # what a weight that is not left yet counts on a path, beside 1 for one that is: fewer new ones win
TRIES = 64  # live weights that may be tried out of the way for one new weight
ROUNDS = 100  # far more than masks need to settle

Names = Sequence[str]


def _flat(values: Mapping[str, Tensor], names: Names) -> Tensor:
    return torch.cat([values[name].flatten() for name in names])


class Cover:
    """Masks on their way to covering every class.

    Args:
        model: the network; it is not changed.
        masks: where to start from; they are not changed.
        scores: what each weight is worth; minus infinity for one that may not come back.
        groups: parameter names that share one budget, group by group.
        input_shape: of one example.
    """

    def __init__(
        self,
        model: nn.Module,
        masks: Mapping[str, Tensor],
        scores: Mapping[str, Tensor],
        groups: Iterable[Names],
        input_shape: tuple[int, ...],
    ) -> None:
        self.model, self.input_shape, self.groups = model, input_shape, list(groups)
        self.scores = {name: score.cpu().double() for name, score in scores.items()}
        self.masks = {name: mask.cpu().clone() for name, mask in masks.items()}
        self.rest = {name: w.detach().cpu() != 0 for name, w in prunable_weights(model).items() if name not in masks}

    def flow(self) -> Flow:
        """What is live now."""
        return flow(self.model, {**self.rest, **self.masks}, self.input_shape)

    def put(self, names: Names, flat: Tensor) -> None:
        """Take new masks of some layers, one after the other."""
        parts = flat.split([self.masks[name].numel() for name in names])
        self.masks |= {name: part.view_as(self.masks[name]) for name, part in zip(names, parts, strict=True)}

    def swap(self, good: Masks, groups: Iterable[Names]) -> int:
        """Put good weights that are not left in the places of those left that are not good; gives how many."""
        moved = 0
        for names in groups:
            mask, score, fine = _flat(self.masks, names), _flat(self.scores, names), _flat(good, names)
            useless = (mask & ~fine).nonzero().flatten()
            wanted = (~mask & fine & (score != GONE)).nonzero().flatten()
            count = min(len(useless), len(wanted))
            if count:
                mask[useless[score[useless].argsort(stable=True)[:count]]] = False
                mask[wanted[score[wanted].argsort(descending=True, stable=True)[:count]]] = True
                self.put(names, mask)
                moved += count
        return moved

    def feed(self) -> Flow:
        """From the input onwards, swap weights that nothing comes to; the next layer then sees the new ones."""
        order = list(self.flow().fed)
        for names in sorted(self.groups, key=lambda names: order.index(names[0]) if names[0] in order else -1):
            self.swap(self.flow().fed, [names])
        return self.flow()

    def live(self, found: Flow) -> Masks:
        """The weights that are left and on a live path."""
        return {name: mask & found.through[name] for name, mask in self.masks.items()}

    def settle(self) -> Flow:
        """Swap dead weights for live ones until there are no more live ones to win."""
        most = -1
        for _ in range(ROUNDS):
            found = self.feed()
            count = sum(int(mask.sum()) for mask in self.live(found).values())
            if count <= most:
                break
            most = count
            self.swap(found.through, self.groups)
        self.tidy()
        return self.flow()

    def tidy(self) -> None:
        """Let all dead weights go, take what then is on a live path, and dead ones back where that is too little."""
        before = self.masks
        self.masks = self.live(self.flow())
        found = self.flow()
        for names in self.groups:
            score, mask, old = (_flat(part, names) for part in (self.scores, self.masks, before))
            for good in (_flat(found.through, names), old):
                wanted = (~mask & good & (score != GONE)).nonzero().flatten()
                best = score[wanted].argsort(descending=True, stable=True)
                mask[wanted[best[: int(old.sum()) - int(mask.sum())]]] = True
            self.put(names, mask)

    def join(self, target: int) -> bool:
        """Lay a path to a class; False, and nothing changed, if there is no room for one."""
        before, covered = dict(self.masks), self.flow().covered
        wanted = covered.clone()
        wanted[target] = True
        added = {name: torch.zeros_like(mask) for name, mask in self.masks.items()}
        while not self.flow().covered[target]:
            values = dict(self.rest)
            for name, score in self.scores.items():
                worth = (score / score.max().clamp(min=1e-30)).clamp(min=1e-3) * NEW * (score != GONE)
                values[name] = torch.where(self.masks[name], 1.0, worth)
            shares = shares_of_paths(self.model, values, self.input_shape, target)
            best = {name: (shares[name] * ~mask).max() for name, mask in self.masks.items()}
            name = max(best, key=lambda one: float(best[one]))
            if not best[name] > 0:
                self.masks = before
                return False
            place = (shares[name] * ~self.masks[name]).argmax()
            for masks in (self.masks, added):
                masks[name] = masks[name].clone()
                masks[name].view(-1)[place] = True
        if all(
            self.make_room(names, int(_flat(added, names).sum()), _flat(added, names), wanted) for names in self.groups
        ):
            return True
        self.masks = before
        return False

    def make_room(self, names: Names, count: int, added: Tensor, wanted: Tensor) -> bool:
        """Let so many weights of a group go, dead ones first, and no wanted class with them; False if that fails."""
        through, score = _flat(self.flow().through, names), _flat(self.scores, names)
        mask = _flat(self.masks, names)
        places = (mask & ~added).nonzero().flatten()
        order = places[score[places].argsort(stable=True)]
        dead, live = order[~through[order]], order[through[order]]
        mask[dead[:count]] = False
        self.put(names, mask)
        count -= min(count, len(dead))
        for place in live[: TRIES * count]:
            if not count:
                break
            mask = _flat(self.masks, names)
            mask[place] = False
            self.put(names, mask)
            if bool((self.flow().covered | ~wanted).all()):
                count -= 1
            else:
                mask[place] = True
                self.put(names, mask)
        return count == 0


def cover(
    model: nn.Module,
    masks: Mapping[str, Tensor],
    scores: Mapping[str, Tensor],
    groups: Iterable[Names],
    input_shape: tuple[int, ...],
) -> Masks:
    """Masks with the same counts that reach as many classes as they can, never fewer than before.

    Args:
        model: the network; it is not changed.
        masks: where to start from.
        scores: what each weight is worth, by parameter name; minus infinity for one that may not come back.
        groups: parameter names that share one budget, group by group.
        input_shape: of one example, [channels, height, width].
    """
    state = Cover(model, masks, scores, groups, input_shape)
    missing = (~state.settle().covered).nonzero().flatten().tolist()
    if [target for target in missing if state.join(target)]:
        state.settle()
    return {name: mask.to(masks[name].device) for name, mask in state.masks.items()}
