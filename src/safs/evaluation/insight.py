"""What the models of a sparsity look like inside, for `insight.json`; test data is not touched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from safs.activations import activation_sites
from safs.data.tensors import load_tensors
from safs.errors import SafsError
from safs.evaluation.curves import activation_curves
from safs.files import read_fields
from safs.insight import ablate, probe_of, site_statistics
from safs.models import load_model, seed_folders
from safs.searching.study import FILE, history, read_study
from safs.training.settings import Hyperparameters

COMPARED = ("relu", "safs")
RECORDS = "insight.json"  # beside a model: what its training looked like
OnSeed = Callable[[int, int, str], None]


def collect_insight(
    data: Path,
    dense: Path,
    models: Path,
    ablation_epochs: int,
    on_seed: OnSeed | None = None,
    memory_gib: float = 0.0,
) -> dict[str, Any]:
    """Ablate the safs model of every seed, and gather the statistics of its training and of the relu model's.

    Args:
        data: the data set folder.
        dense: dense models; their operators are the original ones.
        models: fine-tuned models.
        ablation_epochs: of re-training after an operator was put back, for the network to adapt.
        on_seed: called with the number of finished seeds, the number of all, and a text.
        memory_gib: see `load_tensors`.

    Returns:
        ablation, training (records of `Recorder`), activations (`site_statistics` on training images), curves (`activation_curves`) and search (every
        training of the search as [epochs spent until then, its own epochs, validation accuracy]), each by seed as
        text; training and activations below the variant.

    Raises:
        SafsError: a model or its training.json is missing or damaged.
    """
    training, validation = (load_tensors(data, part, memory_gib) for part in ("train", "validation"))
    probe = probe_of(training)
    insight: dict[str, Any] = {
        "ablation": {},
        "training": {variant: {} for variant in COMPARED},
        "activations": {variant: {} for variant in COMPARED},
        "search": search_history(models),
        "curves": {},
    }
    dense_folders, folders = seed_folders(dense), seed_folders(models)
    for done, (seed, folder) in enumerate(folders.items()):
        for variant in COMPARED:
            model, _ = load_model(folder / variant)
            insight["activations"][variant][str(seed)] = site_statistics(model, probe.x)
            if (folder / variant / RECORDS).exists():
                records = read_fields(folder / variant / RECORDS, records=list)["records"]
                insight["training"][variant][str(seed)] = records
        if seed not in dense_folders:
            raise SafsError(f"there is no dense model of seed {seed} in {str(dense)!r}; evaluate models in pairs")
        original, _ = load_model(dense_folders[seed])
        operators = {name: site.operator.name for name, site in activation_sites(original).items()}
        settings = _settings(folder / "safs" / "training.json")
        insight["curves"][str(seed)] = activation_curves(model)
        result = ablate(model, operators, training, validation, settings, ablation_epochs, seed)
        insight["ablation"][str(seed)] = result
        if on_seed:
            on_seed(done + 1, len(folders), f"seed {seed}, ablation")
    return insight


def search_history(models: Path) -> dict[str, list[list[float]]]:
    """What the search behind fine-tuned models has looked at, by seed; empty if its record is not beside them."""
    if not (models / FILE).exists():
        return {}
    return {
        str(study.seed): [[look.spent, look.epochs, look.accuracy] for look in history(study)]
        for study in read_study(models / FILE)
    }


def _settings(path: Path) -> Hyperparameters:
    try:
        return Hyperparameters(**read_fields(path, hyperparameters=dict)["hyperparameters"])
    except TypeError as error:
        raise SafsError(f"{path} does not hold hyperparameters: {error}") from None
