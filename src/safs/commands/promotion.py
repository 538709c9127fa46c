"""`safs promote`, `safs rollback` and `safs audit`."""

import sys
from pathlib import Path

from safs.commands.surroundings import connect
from safs.mlops.tracked import DEFAULT_WORKSPACE

REFUSED = 3


def promote(
    *,
    data: Path,
    model_name: str = "safs",
    version: str = "challenger",
    rules: Path | None = None,
    out: Path | None = None,
    dry_run: bool = False,
    workspace: Path = DEFAULT_WORKSPACE,
) -> None:
    """Judge a challenger against the champion on the same test data and machine; if all rules are kept, it is the champion.

    Exit code 0 if they are, 3 if one is not, 1 if nothing could be judged. One promotion at a time: of two that are started at
    the same moment, one says so and ends.

    Args:
        data: Data set folder, the output of prepare; its test part is used.
        model_name: Name in the model registry.
        version: Number or alias of the version to judge.
        rules: YAML file with rules by name, such as `max_accuracy_loss: 0.01`; the defaults without one.
        out: Folder to write verdict.json and verdict.html to; they are in MLflow in any case.
        dry_run: Judge and write down, but move no alias.
        workspace: Folder of the SQLite tracking store, where MLFLOW_TRACKING_URI names no server.
    """
    from safs.files import check_free, write_json, write_text
    from safs.promotion.rules import read_rules

    read = read_rules(rules)
    if out:
        check_free(out)
    client, uri = connect(workspace)
    from safs.mlops.promoting import Promoter
    from safs.promotion.report import render_verdict

    verdict = Promoter(client, uri, model_name, workspace).promote(version, data, read, dry_run)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "verdict.json", verdict.as_json())
        write_text(out / "verdict.html", render_verdict(verdict, model_name))
    outcome = ("would be promoted" if dry_run else "is the champion") if verdict.promoted else "was refused"
    print(f"{model_name} version {verdict.challenger['version']} {outcome}: {verdict.reason}")
    if not verdict.promoted:
        sys.exit(REFUSED)


def rollback(*, model_name: str = "safs", reason: str = "", workspace: Path = DEFAULT_WORKSPACE) -> None:
    """Make the previous champion the champion again; the version that goes is marked and not promoted again.

    Args:
        model_name: Name in the model registry.
        reason: Why, to be written on the version that goes.
        workspace: Folder of the SQLite tracking store, where MLFLOW_TRACKING_URI names no server.
    """
    client, uri = connect(workspace)
    from safs.mlops.promoting import Promoter

    now, before = Promoter(client, uri, model_name, workspace).rollback(reason)
    print(f"{model_name} version {now} is the champion again, instead of version {before}")


def audit(*, model_name: str = "safs", version: str = "champion", workspace: Path = DEFAULT_WORKSPACE) -> None:
    """Check that a registered version is what its tags say: weights, mask, sparsity, size, and what is served.

    Args:
        model_name: Name in the model registry.
        version: Number or alias of the version.
        workspace: Folder of the SQLite tracking store, where MLFLOW_TRACKING_URI names no server.
    """
    import tempfile

    client, uri = connect(workspace)
    from safs.mlops.auditing import require_sound
    from safs.mlops.versions import fetch_version, find_version

    found = find_version(client, model_name, version)
    with tempfile.TemporaryDirectory() as folder:
        require_sound(fetch_version(client, uri, found, Path(folder)))
    print(f"{model_name} version {found.version} is what its tags say")
