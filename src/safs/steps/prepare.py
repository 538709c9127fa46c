"""Step 1: a data set, split and ready for training."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safs.data.forms import Scaling, SplitBy, Windows
from safs.data.labelled import BadFiles
from safs.steps.arguments import Amount, Count, Natural
from safs.steps.context import Context
from safs.steps.work import work_folder

NONE: list[str] = []
REPORT = "report.html"
SCRATCH = "scratch"  # what does not fit into memory, until the data set is written


def prepare(
    out: Path,
    dataset: str = "digits",
    data_root: str = "",
    split_seed: Natural = 0,
    max_examples: Natural = 0,
    image_size: Natural = 0,
    group_pattern: str = "",
    bad_files: BadFiles = "refuse",
    window: Count = 64,
    stride: Natural = 0,
    columns: list[str] = NONE,
    drop_columns: list[str] = NONE,
    label_column: str = "label",
    missing_label: str = "",
    time_column: str = "",
    split_by: SplitBy = "file",
    scaling: Scaling = "ranks",
    normal_class: str = "",
    balance: bool = False,
    memory_gib: Amount = 0.0,
    *,
    context: Context = Context(),
) -> dict[str, Any]:
    """Read a data set, split it into train, validation and test, and write it as arrays, with a report to look at.

    Data of your own are a folder of images, train/CLASS/*.jpg with validation and test beside train, or CLASS/*.jpg to be
    split; an .npz file of arrays x and y, or train_x, train_y and so on; or CSV or Parquet files of sensor rows, which are
    cut into windows. A part that is not there is drawn from the training part, a fifth of every class: equal images and
    windows of one file stay together. The same content gives the same data set, whatever its files are called.

    In tables a missing value takes the last one before it, over up to 5 rows; no window reaches over rows that still lack
    a value, nor over a step in time of more than 5 times the median step; the class of a window is that of its last row.

    Args:
        out: Folder to write the data set to.
        dataset: Name of the data set, which is digits (bundled with scikit-learn, no download), mnist, fashion-mnist,
            cifar10 or imagenet16; or the path of your own, or s3://BUCKET/PREFIX (endpoint from
            AWS_ENDPOINT_URL, credentials as for the AWS command line, cache in SAFS_CACHE).
        data_root: Folder that holds a named data set's files, or its archive of JPEG files for cifar10; digits needs none.
        split_seed: Seed of the split, 0 or more; mnist and fashion-mnist have a fixed split.
        max_examples: Images to keep of all parts together, each part and class in proportion; 0 keeps all.
        image_size: Bring images in folders to so many pixels a side, the middle of what is not square; 0 keeps their size.
        group_pattern: Regular expression that finds an image's group in its path; a group is not split up.
        bad_files: For an image that cannot be read, refuse the folder or skip the file and note it in dataset.json.
        window: Rows of a table in a window.
        stride: Rows from one window to the next; 0 means as many as a window has.
        columns: Columns of sensors, in order; none named means all columns of numbers.
        drop_columns: Columns of tables to leave out.
        label_column: Column of a row's class; '' means that the folder of a file is its class.
        missing_label: Class of all rows of a file that has no label column; '' refuses such a file.
        time_column: Column of a row's time; '' takes one called datetime, timestamp, time or date.
        split_by: Deal whole files out to the parts, or cut each file by time: train first, then validation, then test.
        scaling: Normalise sensors by the place of a value among those of the training part (ranks), which keeps what
            happens within one state of a machine, or by mean and standard deviation alone (deviation).
        normal_class: Class that raises no alarm; '' takes one called 0, normal, ok, good or healthy in tables.
        balance: In training draw each class as often as any other.
        memory_gib: Memory that the data set may take, in GiB; of a larger one only what is needed is read, from disk. 0 takes
            a quarter of what is free. The result is the same.

    Raises:
        SafsError: the data set is unknown, or its files are missing or damaged.
    """
    from safs.data import (
        OwnData,
        Reading,
        assemble,
        channel_statistics,
        files_of,
        find_source,
        rank_curves,
        read_own,
        reduce_parts,
        save_dataset,
    )
    from safs.data.balance import class_weights, find_normal
    from safs.data.memory import budget_bytes
    from safs.data.pile import Room
    from safs.evaluation.data_report import render_data_report
    from safs.files import write_text

    source = find_source(dataset, data_root)
    files = files_of(source, data_root)
    context.tracker.progress(0, 1, dataset)
    windows = Windows(
        window=window,
        stride=stride,
        columns=tuple(columns),
        drop_columns=tuple(drop_columns),
        label_column=label_column,
        missing_label=missing_label,
        time_column=time_column,
        split_by=split_by,
    )
    reading = Reading(image_size, bad_files, group_pattern, windows)
    inputs = {"dataset": dataset, "split_seed": split_seed, "max_examples": max_examples, **asdict(reading)}
    inputs |= {"scaling": scaling, "normal_class": normal_class, "balance": balance} | (
        {"files": files} if files else {}
    )
    with work_folder("prepare", out, context, **inputs) as work:
        if isinstance(source, OwnData):
            shutil.rmtree(work / SCRATCH, ignore_errors=True)  # what an interrupted try left
            (work / SCRATCH).mkdir()
            room = Room(budget_bytes(memory_gib), work / SCRATCH)
            found = read_own(source, reading, context.tracker.progress, room)
            name, origin, normalised, channels = source.name, dataset, True, found.channels
            classes, parts, notes = assemble(found, split_seed, dataset)
        else:
            name, normalised, notes, channels = dataset, source.normalised, (), ()
            origin, classes, parts = source.read(data_root, split_seed)
        parts = reduce_parts(parts, max_examples, split_seed)
        learnt_from = parts["train"].x
        series = learnt_from.ndim == 3
        curves = rank_curves(learnt_from) if series and scaling == "ranks" else ()
        mean, std = channel_statistics(learnt_from, curves) if normalised else ((), ())
        normal = find_normal(normal_class, classes, alarms=series)
        weights = class_weights(parts["train"].y, len(classes)) if balance else ()
        info = save_dataset(work, name, origin, classes, parts, mean, std, notes, normal, weights, curves, channels)
        write_text(work / REPORT, render_data_report(info, parts))
        shutil.rmtree(work / SCRATCH, ignore_errors=True)
    sizes = {f"{part}_size": size for part, size in info.sizes.items()}
    context.tracker.dataset(info)
    context.tracker.file(out / REPORT)
    context.tracker.progress(
        1, 1, f"{sum(info.sizes.values()):,} examples" + (f", {len(notes)} notes" if notes else "")
    )
    return {"dataset": info.name, "fingerprint": info.fingerprint, **sizes, "report": str(out / REPORT)}
