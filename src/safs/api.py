"""The method as functions for a user's own model and data: any `nn.Module`, any loaders.

Each function leaves the model it is given as it was and returns a new one. Zeros of the weights are the mask.
"""

import copy
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from safs.activations import OPERATORS, activation_sites, expose_sites, operator_named, set_activations
from safs.data.loaders import Batches, as_batchable
from safs.data.tensors import CPU
from safs.finetuning.scales import start_scales
from safs.finetuning.stage2 import Budget, tune
from safs.pruning.masks import masks_of
from safs.searching.journal import Journal
from safs.searching.plan import SearchPlan
from safs.searching.stage1 import Surroundings, search_activations
from safs.searching.study import Study
from safs.sparsification.plan import Plan
from safs.sparsification.sparsify import sparsify
from safs.training.settings import Compute, Hyperparameters
from safs.training.trainer import Score, train

OnEpoch = Callable[[int, float, Score], None]
SEARCHED_WITH = Hyperparameters("adam", learning_rate=1e-2, weight_decay=0.0)  # a short training needs a high rate


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Attributes:
        activations: operator by site, for `replace_activations`.
        accuracy: validation accuracy of the short training with them, in [0, 1].
        study: every trial with its curve, and the epochs that were spent.
    """

    activations: Mapping[str, str]
    accuracy: float
    study: Study = field(repr=False)


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned model.

    Attributes:
        model: as it was after its best epoch on validation data; its zeros are those of the model it came from.
        accuracy: validation accuracy, in [0, 1].
        settings: the hyperparameters it was trained with.
    """

    model: nn.Module = field(repr=False)
    accuracy: float
    settings: Hyperparameters


def prune(
    model: nn.Module,
    training: Batches,
    sparsity: float = 0.95,
    *,
    plan: Plan | None = None,
    seed: int = 0,
    compute: Compute = Compute(),
) -> nn.Module:
    """A sparse copy of a dense network: in one shot by magnitude, layer by layer, or as `plan` says.

    Args:
        model: the dense network.
        training: what gradual and iterative pruning train on, and what gradients are taken on.
        sparsity: fraction of the convolution and linear weights to zero, in [0, 1); not used with a plan.
        plan: scope, criterion, schedule, coverage of classes, layers to ignore.
        seed: decides the order of the batches where the plan trains.
        compute: what to compute with.

    Raises:
        SafsError: the sparsity is out of range, a name is unknown, or there is nothing to prune.
    """
    data = as_batchable(training)
    sparse = copy.deepcopy(model)
    sparsify(sparse, data, data, plan or Plan(sparsity), seed, compute)
    return sparse


def replace_activations(
    model: nn.Module,
    example: Batches,
    activations: Mapping[str, str] | str,
    scales: str = "fixed",
    *,
    excluded: Sequence[str] = (),
) -> nn.Module:
    """A copy of a network whose activation calls are sites with other operators.

    Args:
        model: any network.
        example: data whose inputs the network takes; it is run once to see what it calls.
        activations: operator by site, as `search` finds them, or one operator for all sites.
        scales: the operators' scales are constants (fixed), or learnt one a site (layer) or one a channel (channel).
        excluded: patterns of the names of activations to leave as they are.

    Raises:
        SafsError: a site or an operator is unknown, or the network does not run on the example.
    """
    exposed = _exposed(model, example, excluded)
    if isinstance(activations, str):
        activations = dict.fromkeys(activation_sites(exposed), activations)
    set_activations(exposed, activations, scales)
    return exposed


def search(
    model: nn.Module,
    training: Batches,
    validation: Batches,
    *,
    candidates: int = 16,
    epochs: int = 8,
    operators: Sequence[str] = (),
    excluded: Sequence[str] = (),
    plan: SearchPlan | None = None,
    settings: Hyperparameters = SEARCHED_WITH,
    seed: int = 0,
    workers: int = 1,
    journal: Path | None = None,
    compute: Compute = Compute(),
) -> Found:
    """Find an operator for every activation site of a sparse network (arXiv:2305.10964, stage 1).

    Args:
        model: the sparse network, as `prune` made it.
        training: what candidates learn from.
        validation: what they are judged by.
        candidates: how many to look at, the model's own operators being the first; not used with a plan.
        epochs: of the best ones' trainings; not used with a plan.
        operators: names to choose from; all of them if none is given.
        excluded: patterns of the names of activations that are not to be searched.
        plan: strategy, budget, ladder of fidelities, objective.
        settings: the hyperparameters of the candidates' trainings.
        seed: the same seed gives the same result on the same machine.
        workers: processes that train candidates.
        journal: a file that remembers finished trainings, for a search that may be interrupted.
        compute: what to compute with.

    Raises:
        SafsError: an operator is unknown, or there is nothing to search or to choose from.
    """
    examples = as_batchable(training)
    exposed = _exposed(model, examples, excluded)
    names = [operator_named(name).name for name in operators] or list(OPERATORS)
    with _journal(journal) as known:
        study = search_activations(
            exposed.cpu(),  # where candidates are copied from
            examples,
            as_batchable(validation),
            settings,
            names,
            plan or SearchPlan(candidates, epochs),
            seed,
            Surroundings(known, workers, compute),
        )
    return Found(study.winner.activations, study.winner.accuracy, study)


def finetune(
    model: nn.Module,
    training: Batches,
    validation: Batches,
    *,
    epochs: int = 30,
    trials: int = 8,
    trial_epochs: int = 6,
    settings: Hyperparameters = Hyperparameters(),
    seed: int = 0,
    on_epoch: OnEpoch | None = None,
    journal: Path | None = None,
    compute: Compute = Compute(),
) -> Tuned:
    """Tune the hyperparameters and train a network with them (arXiv:2305.10964, stage 2); its zeros stay zero.

    Args:
        model: the network, dense or sparse; learnt activation scales are learnt along with the weights.
        training: what is learnt from.
        validation: what trials are compared and the best epoch is chosen on.
        epochs: of the final training.
        trials: hyperparameter settings to try, `settings` being the first; 1 trains with `settings`.
        trial_epochs: epochs a setting is tried for; hopeless ones are stopped earlier.
        settings: where the tuning begins.
        seed: the same seed gives the same result on the same machine.
        on_epoch: called with the epoch (from 1), the mean training loss and the validation score.
        journal: a file that remembers finished trials, for a tuning that may be interrupted.
        compute: what to compute with.

    Raises:
        SafsError: what to compute with is not there, or the data is not what a network learns from.
    """
    examples, held_out = as_batchable(training), as_batchable(validation)
    if trials > 1:
        budget = Budget(trials, trial_epochs)
        with _journal(journal) as known:
            settings = tune(
                lambda: copy.deepcopy(model), examples, held_out, settings, budget, seed, known, compute=compute
            )
    trained = copy.deepcopy(model)
    start_scales(trained, settings.alpha, settings.beta)
    masks = masks_of(trained)
    score = train(trained, examples, held_out, settings, epochs, seed, masks, on_epoch, compute=compute)
    return Tuned(trained, score.accuracy, settings)


def _exposed(model: nn.Module, example: Batches, excluded: Sequence[str]) -> nn.Module:
    """The model with sites; one that has them already keeps theirs."""
    if activation_sites(model) and not excluded:
        return copy.deepcopy(model)
    place = next((parameter.device for parameter in model.parameters()), CPU)
    return expose_sites(model, as_batchable(example).x[:2].to(place), excluded)


@contextmanager
def _journal(path: Path | None) -> Iterator[Journal]:
    if path:
        yield Journal(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Journal(Path(folder) / "trials.jsonl")
