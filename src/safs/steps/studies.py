"""Earlier searches that a new one starts from."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from safs.errors import SafsError
from safs.steps.context import Context

if TYPE_CHECKING:
    from safs.searching.study import Study

MLFLOW = "mlflow:"


def earlier_studies(reference: str, context: Context) -> "list[Study]":
    """The studies that a reference names.

    Args:
        reference: a `study.json` or its folder, `mlflow:` and a run's or experiment's id or name, or nothing.
        context: knows how to fetch studies from MLflow.

    Raises:
        SafsError: there is no study there.
    """
    from safs.searching.study import read_study

    if not reference:
        return []
    if not reference.startswith(MLFLOW):
        return read_study(Path(reference))
    if context.studies is None:
        raise SafsError(f"warm_start is {reference!r}, but this run knows no MLflow; give a study.json")
    with tempfile.TemporaryDirectory() as folder:
        files = context.studies.fetch(reference.removeprefix(MLFLOW), Path(folder))
        return [study for file in files for study in read_study(file)]
