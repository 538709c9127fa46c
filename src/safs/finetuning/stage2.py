"""Stage 2: the hyperparameters of sparse fine-tuning, together with learnt activation scales."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass

import optuna
from torch import nn

from safs.activations import scale_parameters
from safs.data.tensors import Batchable
from safs.finetuning.scales import start_scales
from safs.finetuning.space import inside, suggest
from safs.pruning.masks import masks_of
from safs.searching.journal import Journal
from safs.training.settings import Compute, Hyperparameters
from safs.training.trainer import Score, train

OnTrial = Callable[[int, Hyperparameters, Score, bool], None]
Curve = list[list[float]]  # [accuracy, negative loss] after each epoch
FIRST_RUNG = 5  # epochs after which a trial can be judged well (Spearman 0.92 to 0.98 with 20 epochs)


@dataclass(frozen=True)
class Budget:
    """What stage 2 may spend: trials, the defaults being the first, and the epochs of each; both at least 1."""

    trials: int
    epochs: int


def tune(
    build: Callable[[], nn.Module],
    training: Batchable,
    validation: Batchable,
    defaults: Hyperparameters,
    budget: Budget,
    seed: int,
    journal: Journal,
    on_trial: OnTrial | None = None,
    *,
    compute: Compute = Compute(),
) -> Hyperparameters:
    """Find hyperparameters for a pruned network, whose activation scales may be learnt along with its weights.

    TPE proposes, and Hyperband (Li et al. 2018, arXiv:1603.06560) stops the trials that fall behind. The defaults are
    always the first trial and are never stopped. Finished trials are answered by the journal, so a tuning that was
    killed goes on where it stopped, to the same outcome.

    Args:
        build: makes the pruned network anew, the same every time; its zeros are the mask.
        training: what is learnt from.
        validation: what trials are compared on.
        defaults: the hyperparameters to begin with; what is not searched is taken from them.
        budget: what may be spent.
        seed: decides the proposals and the order of the batches.
        journal: remembers the finished trials.
        on_trial: called with the trial's number, hyperparameters, best score, and whether it was trained now.
        compute: what to compute with.

    Returns:
        The hyperparameters of the best trial by validation accuracy.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    first_rung = min(max(1, budget.epochs // 3), FIRST_RUNG)
    study = optuna.create_study(
        study_name=f"stage2-{seed}",  # Hyperband deals the brackets out by it
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(2, budget.trials // 3)),
        pruner=optuna.pruners.HyperbandPruner(first_rung, max(first_rung, budget.epochs), reduction_factor=3),
    )
    study.enqueue_trial({name: inside(name, value) for name, value in asdict(defaults).items()})
    learnt = bool(scale_parameters(build()))
    best, best_score = defaults, None
    for number in range(budget.trials):
        trial = study.ask()
        settings = suggest(trial, defaults, learnt=learnt)
        if number == 0:
            settings = defaults
        watch = _Watch(trial, budget.epochs)
        known = journal.get(asdict(settings))
        if known is None:
            with suppress(_HopelessError):
                _train(build, training, validation, settings, budget.epochs, seed, watch, compute)
            journal.add(asdict(settings), watch.curve)
        else:
            with suppress(_HopelessError):
                for accuracy, negative_loss in known:
                    watch(Score(accuracy, negative_loss))
        score = max(Score(*point) for point in watch.curve)
        if watch.hopeless:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, score.accuracy)
        if best_score is None or score > best_score:
            best, best_score = settings, score
        if on_trial:
            on_trial(number, settings, score, known is None)
    return best


class _HopelessError(Exception):
    """Ends the training of a trial that has fallen behind."""


class _Watch:
    """Tells Optuna how a trial fares, in the same way whether it is trained or remembered."""

    def __init__(self, trial: optuna.Trial, epochs: int) -> None:
        self.trial, self.epochs = trial, epochs
        self.curve: Curve = []
        self.hopeless = False

    def __call__(self, score: Score) -> None:
        """Note the score after an epoch.

        Raises:
            _HopelessError: the trial is not worth another epoch.
        """
        self.curve.append([score.accuracy, score.negative_loss])
        epoch = len(self.curve)
        self.trial.report(score.accuracy, epoch)
        behind = epoch < self.epochs and self.trial.should_prune()  # asking notes the trial's rung
        self.hopeless = behind and self.trial.number > 0
        if self.hopeless:
            raise _HopelessError


def _train(
    build: Callable[[], nn.Module],
    training: Batchable,
    validation: Batchable,
    settings: Hyperparameters,
    epochs: int,
    seed: int,
    watch: Callable[[Score], None],
    compute: Compute,
) -> None:
    """Train one trial from the pruned weights."""
    model = build()
    start_scales(model, settings.alpha, settings.beta)

    def on_epoch(_: int, __: float, score: Score) -> None:
        watch(score)

    train(model, training, validation, settings, epochs, seed, masks_of(model), on_epoch, compute=compute)
