"""Step 1: a data set, split and ready for training."""

from pathlib import Path
from typing import Any

from safs.steps.arguments import Natural
from safs.steps.context import Context
from safs.steps.work import work_folder


def prepare(
    out: Path,
    dataset: str = "digits",
    data_root: str = "",
    split_seed: Natural = 0,
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Read a data set, split it into train, validation and test, and write it as arrays.

    Args:
        out: Folder to write the data set to.
        dataset: Name of the data set: digits (bundled with scikit-learn, no download) or mnist.
        data_root: Folder that holds the data set's files; digits needs none.
        split_seed: Seed of the split, 0 or more; mnist has a fixed split.

    Raises:
        SafsError: the data set is unknown, or its files are missing or damaged.
    """
    from safs.data import load_info, save_dataset, source_named

    source = source_named(dataset, data_root)
    context.tracker.progress(0, 1, dataset)
    files = Path(data_root) if source.needs_root else None
    inputs = {"dataset": dataset, "split_seed": split_seed} | ({"files": files} if files else {})
    with work_folder("prepare", out, context, **inputs) as work:
        origin, classes, parts = source.read(data_root, split_seed)
        save_dataset(work, dataset, origin, classes, parts)
    info = load_info(out)
    sizes = {f"{part}_size": size for part, size in info.sizes.items()}
    context.tracker.dataset(info.name, info.fingerprint, info.origin, {**sizes, "classes": len(info.classes)})
    context.tracker.progress(1, 1, f"{sum(info.sizes.values()):,} images")
    return {"dataset": info.name, "fingerprint": info.fingerprint, **sizes}
