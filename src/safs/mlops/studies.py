"""Records of earlier searches, kept by MLflow."""

from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from safs.errors import SafsError

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
            reference: id of a search's or a pipeline's run, or id or name of an experiment.
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
        try:
            run = self.client.get_run(reference)
        except MlflowException:
            searches = self.client.search_runs([self._experiment(reference)], SEARCHES, max_results=NEWEST)
            return [search.info.run_id for search in searches]
        children = f"tags.`mlflow.parentRunId` = '{reference}' and {SEARCHES}"
        searches = self.client.search_runs([run.info.experiment_id], children)
        return [reference, *(search.info.run_id for search in searches)]

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
