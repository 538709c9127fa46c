"""The commands about a cluster; each prints what it finds, and raises SafsError for one line of advice."""

from pathlib import Path


def schedule(file: Path, *, host: str, namespace: str = "", dry_run: bool = False) -> None:
    """Bring a recurring run on Kubeflow to what a file says: create, change, pause, resume or delete it.

    Runs never overlap, and times that were missed are not caught up. Running the command again changes nothing.

    Args:
        file: YAML file with name, cron (UTC) and, where they differ from the defaults, state (running, paused or absent),
            experiment, image, service_account and the pipeline's parameters.
        host: Address of the Kubeflow Pipelines endpoint; a token is taken from KF_PIPELINES_TOKEN.
        namespace: Kubernetes namespace; none for a single-user installation.
        dry_run: Say what would be done, and do nothing.
    """
    from safs.kubeflow.endpoint import Endpoint
    from safs.kubeflow.reconcile import reconcile
    from safs.kubeflow.schedule import read_schedule

    wanted, parameters, pipeline = read_schedule(file)
    done = reconcile(wanted, parameters, pipeline, Endpoint(host, namespace), dry_run)
    print("\n".join(f"would {line}" if dry_run else line for line in done) or f"{wanted.name} is as {file} says")


def runs(run: str = "", *, host: str, namespace: str = "", experiment: str = "", limit: int = 10) -> None:
    """Show what runs on Kubeflow, how it went, and where to look.

    Args:
        run: Id of one run, to see its tasks and its error; the latest runs if none is named.
        host: Address of the Kubeflow Pipelines endpoint; a token is taken from KF_PIPELINES_TOKEN.
        namespace: Kubernetes namespace; none for a single-user installation.
        experiment: Kubeflow experiment; all of them if none is named.
        limit: How many runs to show.
    """
    from safs.kubeflow.display import wide_console
    from safs.kubeflow.endpoint import Endpoint
    from safs.kubeflow.runs import latest_runs, one_run, run_lines, runs_table

    endpoint, console = Endpoint(host, namespace), wide_console()
    if run:
        for line in run_lines(endpoint, one_run(endpoint, run)):
            console.print(line, highlight=False, soft_wrap=True)
        return
    found = latest_runs(endpoint, experiment, limit)
    console.print(runs_table(endpoint, found) if found else "no runs")
