"""Stage 1: which operator each layer of a pruned network should have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from safs.activations import activation_sites, set_activations
from safs.data.tensors import Batchable
from safs.models import load_model
from safs.pruning.masks import masks_of
from safs.searching.distinct import Distinct
from safs.searching.hill_climbing import LateAcceptance
from safs.searching.journal import Journal
from safs.training.settings import Hyperparameters
from safs.training.trainer import WORST, Score, train

OnTrial = Callable[[int, dict[str, str], Score, bool], None]


@dataclass(frozen=True)
class Budget:
    """What stage 1 may spend.

    Attributes:
        candidates: how many candidates are looked at, ReLU everywhere being the first, at least 1.
        epochs: how long each is trained from the pruned weights, at least 1.
        history: the length of late acceptance, at least 1.
    """

    candidates: int
    epochs: int
    history: int


def search_activations(
    model_folder: Path,
    training: Batchable,
    validation: Batchable,
    settings: Hyperparameters,
    operators: Sequence[str],
    budget: Budget,
    journal: Journal,
    on_trial: OnTrial | None = None,
) -> tuple[dict[str, str], Score]:
    """Search the operators of a pruned network by late acceptance hill climbing (arXiv:2305.10964, stage 1).

    Every candidate starts from the pruned weights with the same batches, and is judged by its validation accuracy.
    No candidate is trained twice.

    Args:
        model_folder: the pruned model.
        journal: answers for the candidates that an earlier, interrupted search has finished.
        on_trial: called with the trial's number (from 0), operators by site, score, and whether it was trained now.

    Returns:
        The best operators by site, and their score.
    """
    model, spec = load_model(model_folder)
    sites = tuple(activation_sites(model))
    climber: LateAcceptance[float] = LateAcceptance(("relu",) * len(sites), operators, budget.history, spec.seed)
    strategy = Distinct(climber, len(sites), operators, spec.seed)
    best, best_score = ("relu",) * len(sites), WORST
    for number in range(budget.candidates):
        candidate = strategy.ask()
        if candidate is None:
            break
        assignment = dict(zip(sites, candidate, strict=True))
        known = journal.get(assignment)
        if known is None:
            model, _ = load_model(model_folder)
            set_activations(model, assignment)
            score = train(model, training, validation, settings, budget.epochs, spec.seed, masks_of(model))
            journal.add(assignment, [score.accuracy, score.negative_loss])
        else:
            score = Score(*known)
        strategy.tell(candidate, score.accuracy + 1e-6 * max(score.negative_loss, -50.0))
        if score > best_score:
            best, best_score = candidate, score
        if on_trial:
            on_trial(number, assignment, score, known is None)
    return dict(zip(sites, best, strict=True)), best_score
