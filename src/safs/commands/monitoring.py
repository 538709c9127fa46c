"""`safs monitor`."""

import sys
from pathlib import Path

from safs.commands.surroundings import connect
from safs.mlops.tracked import DEFAULT_WORKSPACE

NONE: list[str] = []


def monitor(
    *,
    batch: str,
    model_name: str = "safs",
    version: str = "champion",
    limits: Path | None = None,
    out: Path | None = None,
    label_column: str = "label",
    columns: list[str] = NONE,
    drop_columns: list[str] = NONE,
    time_column: str = "",
    workspace: Path = DEFAULT_WORKSPACE,
) -> None:
    """Compare a batch of production inputs with the reference profile of a registered version.

    Exit code 0 if all is well, 3 for drift, 4 if the model is less accurate (where labels are known), 5 if it is too slow, 6 for
    a fault of the data, 1 if nothing could be looked at. MLflow keeps a run of each look, and remembers the batches before.

    Args:
        batch: Folder of images or tables, a table, an .npz file with x, or s3:// and the prefix of one of these; labels are used
            if they are there, as folders of classes, a label column, or y.
        model_name: Name in the model registry.
        version: Number or alias of the version that is in production.
        limits: YAML file with limits by name, such as `false_alarms: 2`; the defaults without one.
        out: Folder to write monitor.html, monitor.json and metrics.prom (Prometheus) to; they are in MLflow in any case.
        label_column: Column of tables that holds the label, if it is there.
        columns: Columns of tables that are the channels, in their order; all columns of numbers if none is named.
        drop_columns: Columns of tables to leave out.
        time_column: Column of tables that holds the time; found by its name if none is named.
        workspace: Folder of the SQLite tracking store, where MLFLOW_TRACKING_URI names no server.
    """
    from safs.data.forms import Windows
    from safs.monitoring.limits import read_limits

    read = read_limits(limits)
    client, uri = connect(workspace)
    from safs.mlops.monitoring import Monitor

    windows = Windows(
        label_column=label_column, columns=tuple(columns), drop_columns=tuple(drop_columns), time_column=time_column
    )
    outcome = Monitor(client, uri, model_name, workspace).look(version, batch, read, windows, out)
    print(f"{model_name} {version} on {batch}: {outcome.state.label}, {outcome.reason}")
    if outcome.state:
        sys.exit(int(outcome.state))
