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
    max_examples: Natural = 0,
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Read a data set, split it into train, validation and test, and write it as arrays.

    Args:
        out: Folder to write the data set to.
        dataset: Name of the data set: digits (bundled with scikit-learn, no download), mnist, fashion-mnist, cifar10 or
            imagenet16.
        data_root: Folder that holds the data set's files, or its archive of JPEG files for cifar10; digits needs none.
        split_seed: Seed of the split, 0 or more; mnist and fashion-mnist have a fixed split.
        max_examples: Images to keep of all parts together, each part and class in proportion; 0 keeps all.

    Raises:
        SafsError: the data set is unknown, or its files are missing or damaged.
    """
    from safs.data import channel_statistics, load_info, reduce_parts, save_dataset, source_named

    source = source_named(dataset, data_root)
    context.tracker.progress(0, 1, dataset)
    files = Path(data_root) if source.needs_root else None
    inputs = {"dataset": dataset, "split_seed": split_seed, "max_examples": max_examples} | (
        {"files": files} if files else {}
    )
    with work_folder("prepare", out, context, **inputs) as work:
        origin, classes, parts = source.read(data_root, split_seed)
        parts = reduce_parts(parts, max_examples, split_seed)
        statistics = channel_statistics(parts["train"].x) if source.normalised else ()
        save_dataset(work, dataset, origin, classes, parts, *statistics)
    info = load_info(out)
    sizes = {f"{part}_size": size for part, size in info.sizes.items()}
    context.tracker.dataset(info.name, info.fingerprint, info.origin, {**sizes, "classes": len(info.classes)})
    context.tracker.progress(1, 1, f"{sum(info.sizes.values()):,} images")
    return {"dataset": info.name, "fingerprint": info.fingerprint, **sizes}
