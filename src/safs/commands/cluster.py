"""The commands about a cluster; each prints what it finds, and raises SafsError for one line of advice."""

from pathlib import Path


def compile_pipeline(
    *, out: Path, image: str = "", deployment: Path | None = None, manifests: bool = False, namespace: str = ""
) -> None:
    """Write the compiled training pipeline, the one that `run` and `submit` use, checked for traps.

    Args:
        out: YAML file to write.
        image: Component image to put in, with tag or digest; the package's own if none is named.
        deployment: YAML file with resources, GPUs, nodes, volumes, secrets, timeouts and retries of the steps.
        manifests: Write Pipeline and PipelineVersion resources, for GitOps.
        namespace: Kubernetes namespace of these resources.
    """
    from safs.kubeflow.compiled import compiled
    from safs.kubeflow.compiled import manifests as resources

    pipeline = compiled(image, deployment)
    _write(out, resources(pipeline, namespace) if manifests else pipeline.text)


def schedule(
    file: Path, *, host: str = "", namespace: str = "", dry_run: bool = False, out: Path | None = None
) -> None:
    """Bring a recurring run on Kubeflow to what a file says: create, change, pause, resume or delete it.

    Runs never overlap, and times that were missed are not caught up. Running the command again changes nothing.

    Args:
        file: YAML file with name, cron (UTC) and, where they differ from the defaults, state (running, paused or absent),
            experiment, image, service_account, deployment (a file) and the pipeline's parameters.
        host: Address of the Kubeflow Pipelines endpoint; a token is taken from KF_PIPELINES_TOKEN.
        namespace: Kubernetes namespace; none for a single-user installation.
        dry_run: Say what would be done, and do nothing.
        out: Write a ScheduledWorkflow resource here, for GitOps, and ask no endpoint.
    """
    from safs.errors import SafsError
    from safs.kubeflow.endpoint import Endpoint
    from safs.kubeflow.reconcile import reconcile
    from safs.kubeflow.schedule import read_schedule

    wanted, parameters, pipeline = read_schedule(file)
    if out:
        import yaml

        from safs.kubeflow.scheduled_workflow import scheduled_workflow

        _write(
            out,
            yaml.dump(
                scheduled_workflow(wanted, parameters, pipeline, namespace), Dumper=yaml.CSafeDumper, sort_keys=False
            ),
        )
        return
    if not host:
        raise SafsError("name the Kubeflow endpoint with --host, or a file for the resource with --out")
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


def _write(out: Path, text: str) -> None:
    from safs.files import check_free, write_text

    check_free(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, text)
    print(f"wrote {out}")
