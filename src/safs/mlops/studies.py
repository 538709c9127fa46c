"""Records of earlier searches, kept by MLflow."""

import re
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from safs.errors import SafsError
from safs.mlops.pipeline_run import PIPELINE

FILE = "study.json"
SEARCHES = "tags.`safs.step` = 'search'"
NEWEST = 20  # searches of an experiment that are looked at


class MlflowStudies:
    """Fetches the `study.json` of search steps.

    Args:
        client: the tracking server.
    """

    def __init__(self, client: MlflowClient) -> None:
        self.client = client

    def fetch(self, reference: str, folder: Path) -> list[Path]:
        """Download studies, the newest first.

        Args:
            reference: id of a search's run, of a pipeline's in MLflow or Kubeflow, or id or name of an experiment.
            folder: where to put them.

        Raises:
            SafsError: there is no such run or experiment, or it has no search.
        """
        files = []
        for run in self._runs(reference):
            if any(entry.path == FILE for entry in self.client.list_artifacts(run)):
                target = folder / run
                target.mkdir()
                files.append(Path(self.client.download_artifacts(run, FILE, str(target))))
        if not files:
            raise SafsError(f"MLflow has no {FILE} under {reference!r}; name the run or the experiment of a search")
        return files

    def _runs(self, reference: str) -> list[str]:
        """Ids of the runs that may hold a study."""
        if found := self._of_pipeline(reference):
            return found
        try:
            return [self.client.get_run(reference).info.run_id]
        except MlflowException:
            return self._searches([self._experiment(reference)], SEARCHES)

    def _of_pipeline(self, reference: str) -> list[str]:
        """Ids of a pipeline run's searches."""
        if not re.fullmatch(r"[\w-]+", reference):
            return []
        experiments = [str(one.experiment_id) for one in self.client.search_experiments()]
        return self._searches(experiments, f"tags.`{PIPELINE}` = '{reference}' and {SEARCHES}")

    def _searches(self, experiments: list[str], wanted: str) -> list[str]:
        found = self.client.search_runs(experiments, wanted, max_results=NEWEST)
        return [search.info.run_id for search in found]

    def _experiment(self, reference: str) -> str:
        found = self.client.get_experiment_by_name(reference)
        if found is None and reference.isdigit():
            try:
                found = self.client.get_experiment(reference)
            except MlflowException:
                found = None
        if found is None:
            raise SafsError(f"MLflow knows no run and no experiment {reference!r}; name one that has searched")
        return str(found.experiment_id)
