"""Stage 1: which operator each layer of a pruned network should have."""

import random
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from safs.activations import activation_sites
from safs.data.tensors import Batchable
from safs.runtime.prices import operator_prices
from safs.searching.costs import PENALTY, candidate_cost, pareto_front, site_sizes
from safs.searching.distinct import Distinct
from safs.searching.journal import Journal
from safs.searching.plan import SearchPlan, places
from safs.searching.shared import Share, SharedStudy, shared_trainer
from safs.searching.strategies import make_strategy
from safs.searching.strategy import Candidate
from safs.searching.study import Study, Trial
from safs.searching.trial import Bench, Curve, Task, diverged, hopeless, value_of
from safs.searching.warm_start import earlier_candidates
from safs.searching.workers import Trainer, trainer
from safs.training.settings import Compute, Hyperparameters

OnTraining = Callable[[Task, Curve, bool], None]  # a training has ended; whether it was done now, by this process


@dataclass
class Surroundings:
    """What a search is done with; none of it changes the outcome but for `earlier` and `prices`.

    Attributes:
        journal: answers for the trainings that an earlier, interrupted search has finished.
        workers: processes that train, at least 1.
        compute: what to compute with.
        earlier: studies whose best candidates are tried first.
        share: finds the study that is shared with other machines; None works alone.
        prices: what operators cost on the serving machine, where cost is an objective; None measures here.
        on_training: told of every training that has ended.
    """

    journal: Journal
    workers: int = 1
    compute: Compute = field(default_factory=Compute)
    earlier: Sequence[Study] = ()
    share: Share | None = None
    prices: Mapping[str, float] | None = None
    on_training: OnTraining | None = None


def search_activations(
    model: nn.Module,
    training: Batchable,
    validation: Batchable,
    settings: Hyperparameters,
    operators: Sequence[str],
    plan: SearchPlan,
    seed: int,
    around: Surroundings,
    architecture: str = "",
    sparsity: float = 0.0,
) -> Study:
    """Search the operators of a pruned network (arXiv:2305.10964, stage 1) over a ladder of epochs.

    Every candidate starts from the pruned weights with the same batches, and is judged by its validation accuracy. The
    strategy sees the scores of the lowest rung, where all candidates can be compared; the best of them, and the
    model's own operators, climb. No candidate is trained twice on a rung.

    Args:
        model: the pruned network with its own operators; it is left as it was.
        training: what candidates learn from.
        validation: what they are judged by.
        settings: the hyperparameters of their trainings.
        operators: what a layer can be given, at least 2.
        plan: strategy, budget and fidelity.
        seed: of the strategy and of the batches.
        around: the journal, the workers and whoever listens.
        architecture: the network's name, for later studies that start from this one.
        sparsity: the network's, for the record.

    Raises:
        SafsError: there is nothing to search or to choose from, the strategy is unknown, or a worker died.
    """
    checkpoints = around.journal.path.with_suffix(".checkpoints") if len(plan.rungs) > 1 else None
    images = len(training.y)
    if plan.fraction < 1:
        some = torch.randperm(images, generator=torch.Generator().manual_seed(seed))[
            : max(1, int(images * plan.fraction))
        ]
        training = replace(training.some(some), weights=training.weights)
    bench = Bench(
        model, training, validation, settings, plan.rungs[-1], plan.patience, seed, around.compute, checkpoints
    )
    study = around.share(bench) if around.share else None
    search = _Search(bench, plan, operators, around, study)
    with trainer(bench, around.workers) as own:
        search.run(shared_trainer(study, own, around.workers) if study else own, architecture)
    if checkpoints:
        shutil.rmtree(checkpoints, ignore_errors=True)
    epochs = sum(len(trial.curve) for trial in search.trials) * len(training.y) / images
    costs = [trial.cost for trial in search.trials if trial.cost is not None]
    front = pareto_front([trial.accuracy for trial in search.trials], costs) if costs else []
    best = search.best()
    return Study(seed, architecture, sparsity, list(operators), plan, search.trials, best, epochs, front)


@dataclass
class _Search:
    """A search under way."""

    bench: Bench
    plan: SearchPlan
    operators: Sequence[str]
    around: Surroundings
    study: SharedStudy | None
    trials: list[Trial] = field(default_factory=list)

    def __post_init__(self) -> None:
        sites = activation_sites(self.bench.model)
        self.start: Candidate = tuple(site.operator.name for site in sites.values())
        self.sites = tuple(sites)
        strategy = make_strategy(
            self.plan.strategy, self.start, tuple(self.operators), self.bench.seed, self.plan.history
        )
        self.strategy = Distinct(strategy, len(sites), self.operators, self.bench.seed)
        self.costs: dict[str, float] = {}
        if self.plan.objective == "pareto":
            known = self.around.journal.get("operator costs")  # measured once, or a later try would differ
            if known is None:
                names = dict.fromkeys((*self.start, *self.operators))
                key = f"operator costs {sorted(names)}"
                known = self.study.agree(key, lambda: self._prices(names)) if self.study else self._prices(names)
                self.around.journal.add("operator costs", known)
            self.costs = known
            self.sizes = site_sizes(self.bench.model, self.bench.validation.x[:1])

    def _prices(self, names: Iterable[str]) -> dict[str, float]:
        given = self.around.prices
        return operator_prices(names) if given is None else {name: given[name] for name in names}

    def run(self, train: Trainer, architecture: str) -> None:
        """Explore on the lowest rung, then climb."""
        self._explore(train, architecture)
        for rung in self.plan.rungs[1:]:
            self._climb(train, rung)

    def best(self) -> int:
        """The number of the best trial among those that came furthest; of equals the first."""
        return max(range(len(self.trials)), key=lambda n: (self._rungs(n), self._value(n), -n))

    def _explore(self, train: Trainer, architecture: str) -> None:
        for candidate in (*self._earlier(architecture), *self._uniform()):
            self.strategy.reserve(candidate)
        led = bool(self.strategy.reserved)
        while len(self.trials) < self.plan.candidates:
            if led and not self.strategy.leads():  # late acceptance may have wandered off since
                led = False
                best = max(self.strategy.scores, key=lambda known: self.strategy.scores[known])
                self.strategy.tell(best, self.strategy.scores[best])
            room = min(self.plan.generation, self.plan.candidates - len(self.trials))
            asked = [self.strategy.ask() for _ in range(room)]
            candidates = [candidate for candidate in asked if candidate is not None]
            if not candidates:
                return  # all there are have been looked at
            first, rung = len(self.trials), self.plan.rungs[0]
            tasks = [
                Task(first + i, dict(zip(self.sites, candidate, strict=True)), rung)
                for i, candidate in enumerate(candidates)
            ]
            curves = self._train(train, tasks)
            for task, candidate in zip(tasks, candidates, strict=True):
                curve = curves[task.number]
                self.trials.append(Trial(task.number, task.activations, curve, self._end(curve), self._cost(task)))
                self.strategy.tell(candidate, self._value(task.number))

    def _uniform(self) -> list[Candidate]:
        """One operator everywhere: cheap to look at all of, and often close to the best there is."""
        if not self.plan.uniform or len(self.sites) < 2:
            return []
        operators = list(dict.fromkeys(self.operators))
        random.Random(f"uniform {self.bench.seed}").shuffle(operators)
        return [(operator,) * len(self.sites) for operator in operators[: self.plan.candidates // 2]]

    def _earlier(self, architecture: str) -> list[Candidate]:
        count = max(1, self.plan.candidates // 4)
        return earlier_candidates(self.around.earlier, architecture, len(self.sites), self.operators, count)

    def _climb(self, train: Trainer, rung: int) -> None:
        """Train the best of the rung below, and the model's own operators, up to this rung."""
        furthest = max(self._rungs(number) for number in range(len(self.trials)))
        there = [trial for trial in self.trials if self._rungs(trial.number) == furthest]
        hopeful = [trial for trial in there if not hopeless(trial.curve, self.bench.chance)]
        hopeful = hopeful or [trial for trial in there if not diverged(trial.curve)]  # all at chance: it tells nothing
        ranked = sorted(hopeful, key=lambda trial: (-self._value(trial.number), trial.number))
        chosen = {trial.number for trial in ranked[: places(len(there), self.plan.halving)]}
        if not diverged(self.trials[0].curve):
            chosen.add(0)
        tasks = [Task(number, dict(self.trials[number].activations), rung) for number in sorted(chosen)]
        curves = self._train(train, tasks)
        for number, curve in curves.items():
            self.trials[number] = replace(self.trials[number], curve=curve, stopped=self._end(curve))

    def _train(self, train: Trainer, tasks: list[Task]) -> dict[int, Curve]:
        """The curves of trainings by candidate, from the journal where it knows them."""
        curves: dict[int, Curve] = {}
        told = self.around.on_training or (lambda *_: None)
        for task in tasks:
            known = self.around.journal.get(task.key)
            if known is not None:
                curves[task.number] = known
                told(task, known, False)

        def done(task: Task, curve: Curve, new: bool = True) -> None:
            self.around.journal.add(task.key, curve)
            curves[task.number] = curve
            told(task, curve, new)

        missing = [task for task in tasks if task.number not in curves]
        if missing:
            train(missing, done)
        return {task.number: curves[task.number] for task in tasks}

    def _end(self, curve: Curve) -> str:
        if len(curve) == self.plan.rungs[-1]:
            return "finished"
        return "hopeless" if hopeless(curve, self.bench.chance) else "halved"

    def _cost(self, task: Task) -> float | None:
        if not self.costs:
            return None
        start = candidate_cost(dict(zip(self.sites, self.start, strict=True)), self.sizes, self.costs)
        return candidate_cost(task.activations, self.sizes, self.costs) / start

    def _rungs(self, number: int) -> int:
        """How many rungs a trial was trained up to."""
        return sum(len(self.trials[number].curve) >= rung for rung in self.plan.rungs)

    def _value(self, number: int) -> float:
        trial = self.trials[number]
        return value_of(trial.curve) - (0.0 if trial.cost is None else PENALTY * (trial.cost - 1))
