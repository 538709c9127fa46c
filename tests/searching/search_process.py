"""A search as a process of its own, for tests that kill it: `search_process.py FOLDER MODEL DATA [DATABASE]`."""

import sys
from pathlib import Path

import torch

from safs.data.tensors import load_tensors
from safs.models import load_model
from safs.searching.journal import Journal
from safs.searching.plan import SearchPlan
from safs.searching.shared import sharing
from safs.searching.stage1 import Surroundings, search_activations
from safs.searching.study import FILE, write_studies
from safs.training.settings import Hyperparameters

PLAN = SearchPlan(candidates=8, search_epochs=4, min_epochs=1, halving=2, generation=4)
SETTINGS = Hyperparameters(learning_rate=1e-2, weight_decay=0.0, batch_size=10)


def main(folder: Path, model_folder: Path, data: Path, database: str = "") -> None:
    """Search, say so at every training that has ended, and write the study last."""
    torch.set_num_threads(1)
    model, spec = load_model(model_folder)
    around = Surroundings(
        Journal(folder / "journal.jsonl"),
        share=sharing(database, heartbeat=1, grace=3),
        on_training=lambda task, _, new: print(task.number, task.epochs, new, flush=True),
    )
    study = search_activations(
        model,
        load_tensors(data, "train"),
        load_tensors(data, "validation"),
        SETTINGS,
        ("relu", "tanh", "symlog", "swish"),
        PLAN,
        spec.seed,
        around,
    )
    write_studies(folder / FILE, [study])


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), *sys.argv[4:])
