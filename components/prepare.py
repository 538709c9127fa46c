"""The KFP component of `safs.steps.prepare`, with its report."""

from typing import List

from kfp import dsl

from safs.kubeflow.definition import step_component
from safs.steps import STEPS


@step_component(STEPS["prepare"])
def prepare(
    out: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    dataset: str = "digits",
    data_root: str = "",
    split_seed: int = 0,
    max_examples: int = 0,
    image_size: int = 0,
    group_pattern: str = "",
    bad_files: str = "refuse",
    window: int = 64,
    stride: int = 0,
    columns: List[str] = [],
    drop_columns: List[str] = [],
    label_column: str = "label",
    missing_label: str = "",
    time_column: str = "",
    split_by: str = "file",
    scaling: str = "ranks",
    normal_class: str = "",
    balance: bool = False,
    memory_gib: float = 0.0,
    code_version: str = "",
):
    from safs.kubeflow.component import execute
    from safs.kubeflow.views import show_report

    execute(
        "prepare",
        out=out,
        dataset=dataset,
        data_root=data_root,
        split_seed=split_seed,
        max_examples=max_examples,
        image_size=image_size,
        group_pattern=group_pattern,
        bad_files=bad_files,
        window=window,
        stride=stride,
        columns=columns,
        drop_columns=drop_columns,
        label_column=label_column,
        missing_label=missing_label,
        time_column=time_column,
        split_by=split_by,
        scaling=scaling,
        normal_class=normal_class,
        balance=balance,
        memory_gib=memory_gib,
    )
    show_report(report, out)
