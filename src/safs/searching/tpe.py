"""The tree-structured Parzen estimator (Bergstra et al. 2011) of Optuna, over one category a layer, ask and tell."""

from collections.abc import Sequence

import optuna

from safs.searching.strategy import Candidate, check_space

STARTUP = 5  # candidates drawn at random before the estimator has a say


class Tpe:
    """Optuna's TPE sampler behind the protocol of strategies.

    Args:
        start: the operators to begin with, one a layer.
        operators: what a layer can be given, at least 2.
        seed: the same seed, and the same scores, give the same candidates.

    Raises:
        SafsError: there is no layer, or nothing to choose from.
    """

    def __init__(self, start: Candidate, operators: Sequence[str], seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.operators = check_space(start, operators)
        self.start = start
        own = [tuple(dict.fromkeys((*self.operators, name))) for name in start]  # the start may have others
        choices = [optuna.distributions.CategoricalDistribution(names) for names in own]
        self.space: dict[str, optuna.distributions.BaseDistribution] = {
            f"layer{i}": choice for i, choice in enumerate(choices)
        }
        self.names = [set(names) for names in own]
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
        self.study = optuna.create_study(direction="maximize", sampler=sampler)
        self.pending: dict[Candidate, list[optuna.Trial]] = {}
        self.asked = False

    def ask(self) -> Candidate:
        """The start, then what the estimator draws."""
        if not self.asked:
            self.asked = True
            return self.start
        trial = self.study.ask(self.space)
        candidate = tuple(str(trial.params[name]) for name in self.space)
        self.pending.setdefault(candidate, []).append(trial)
        return candidate

    def tell(self, candidate: Candidate, score: float) -> None:
        """Take note of a candidate's score, whether it was proposed or not."""
        trials = self.pending.pop(candidate, [])
        for trial in trials:
            self.study.tell(trial, score)
        if not trials and all(name in names for name, names in zip(candidate, self.names, strict=True)):
            params = dict(zip(self.space, candidate, strict=True))
            self.study.add_trial(optuna.create_trial(params=params, distributions=self.space, value=score))
