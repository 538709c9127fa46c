"""`safs retrain`."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safs.commands.surroundings import connect
from safs.files import read_yaml
from safs.kubeflow.parameters import pipeline_docs, pipeline_parameters
from safs.mlops.tracked import DEFAULT_WORKSPACE
from safs.steps.arguments import check_arguments, step_parameters


@dataclass(frozen=True)
class _Cluster:
    """Where a run is submitted to; nowhere if it has no host."""

    host: str
    image: str
    deployment: Path | None
    experiment: str
    namespace: str


def retrain(
    *,
    config: Path | None = None,
    model_name: str = "safs",
    rules: Path | None = None,
    reason: str = "",
    host: str = "",
    image: str = "",
    deployment: Path | None = None,
    experiment: str = "safs",
    namespace: str = "",
    dry_run: bool = False,
    workspace: Path = DEFAULT_WORKSPACE,
) -> None:
    """Start the training pipeline if drift, lost accuracy, the champion's age or new data ask for it, at most so often.

    The reason is recorded in MLflow, and the search begins with the champion's best candidates. Of several that ask at the same
    moment one starts a training. Exit code 0 whether one was started or not.

    Args:
        config: YAML file with the pipeline's parameters, as for safs run.
        model_name: Name in the model registry.
        rules: YAML file with rules by name, such as `max_age_days: 30`; the defaults without one.
        reason: A reason of your own, which starts a training if none was started of late.
        host: Address of the Kubeflow Pipelines endpoint to submit the run to; it runs on this machine if none is named.
        image: Component image, with tag or digest.
        deployment: YAML file that says how each step is deployed, as for safs submit.
        experiment: Kubeflow experiment to put the run in.
        namespace: Kubernetes namespace; none for a single-user installation.
        dry_run: Say what would be done.
        workspace: Folder of the SQLite tracking store and of a run on this machine.
    """
    from safs.retraining.decision import read_rules
    from safs.steps.names import check_names

    read, cluster = read_rules(rules), _Cluster(host, image, deployment, experiment, namespace)
    given = read_yaml(config, "such as `seeds: [0, 1]`") if config else {}
    arguments = check_arguments(pipeline_parameters(), {**given, "model_name": model_name}, pipeline_docs())
    check_names(arguments)
    client, uri = connect(workspace)
    from safs.mlops.retraining import Retrainer

    retrainer = Retrainer(client, uri, model_name, workspace)
    if dry_run:
        decision = retrainer.consider(read, reason, lambda: _fingerprint(arguments))
        print(f"a training {'would be' if decision.start else 'is not'} started: {decision.reason}")
        return
    decision, run = retrainer.claim(read, reason, lambda: _fingerprint(arguments))
    if not decision.start:
        print(f"no training is started: {decision.reason}")
        return
    warm = arguments["warm_start"] or retrainer.warm_start()
    print(
        f"a training is started: {decision.reason}" + (f"; the search begins with {warm}" if warm else ""), flush=True
    )
    try:
        retrainer.started(run, _start({**arguments, "warm_start": warm}, workspace, cluster))
    except BaseException as error:
        retrainer.failed(run, str(error) or type(error).__name__)
        raise


def _start(arguments: dict[str, Any], workspace: Path, cluster: _Cluster) -> str:
    """Start the pipeline; gives what to look for."""
    if cluster.host:
        from safs.kubeflow.compiled import compiled
        from safs.kubeflow.endpoint import Endpoint
        from safs.kubeflow.runs import link
        from safs.kubeflow.submit import submit_run

        endpoint = Endpoint(cluster.host, cluster.namespace)
        run = submit_run(arguments, compiled(cluster.image, cluster.deployment), endpoint, cluster.experiment)
        print(f"started run {run}\n{link(endpoint, run)}")
        return run
    from safs.kubeflow.display import show_outcome
    from safs.kubeflow.local import run_locally

    outcome = run_locally(arguments, workspace, cache=True)
    show_outcome(outcome)
    return outcome.run


def _fingerprint(arguments: dict[str, Any]) -> str:
    """Of the data set as the pipeline's first step would write it now."""
    from safs.data import load_info
    from safs.steps.prepare import prepare

    own = {name: arguments[name] for name in step_parameters(prepare) if name in arguments}
    with tempfile.TemporaryDirectory() as folder:
        prepare(out=Path(folder) / "data", **own)
        return load_info(Path(folder) / "data").fingerprint
