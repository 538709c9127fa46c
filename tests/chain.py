"""The steps run one after the other on a small data set, and what tests ask of their outputs."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from safs.files import COST
from safs.steps.finetune import finetune
from safs.steps.pretrain import pretrain
from safs.steps.prune import prune
from safs.steps.search import search

TIMED = {COST, "serving.json", "report.html"}  # times are never the same
SIZES = {"train": 200, "validation": 100, "test": 100}
PRETRAIN = {"seeds": [0, 1], "dense_epochs": 2, "learning_rate": 5e-3}
SEARCH = {"candidates": 3, "search_epochs": 1, "operators": ["relu", "tanh", "symlog", "swish"]}
FINETUNE = {"trials": 2, "trial_epochs": 1, "epochs": 2}


class KilledError(Exception):
    """Stands for whatever ends a process."""


@dataclass(frozen=True)
class Chain:
    """The output folders of the steps, run one after the other."""

    data: Path
    pretrain: Path
    prune: Path
    search: Path
    finetune: Path


def run_chain(data: Path, root: Path, memory_gib: float = 0.0) -> Chain:
    """Run the steps from pretrain to finetune on a data set folder."""
    memory = {"memory_gib": memory_gib}
    chain = Chain(data, *(root / name for name in ("pretrain", "prune", "search", "finetune")))
    pretrain(data, chain.pretrain, **PRETRAIN, **memory)
    prune(data, chain.pretrain, chain.prune, sparsity=0.9, **memory)
    search(data, chain.prune, chain.search, **SEARCH, **memory)
    finetune(data, chain.prune, chain.search, chain.finetune, **FINETUNE, **memory)
    return chain


def contents(folder: Path) -> dict[str, str]:
    """A digest of every file below a folder, by its relative path, but for what differs from time to time."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in TIMED)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def copy_of(folder: Path, target: Path) -> Path:
    """A copy of a folder that a test may damage."""
    shutil.copytree(folder, target)
    return target
