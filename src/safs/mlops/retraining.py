"""Retraining decided and recorded, once however many ask at the same moment."""

import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from safs.errors import SafsError
from safs.mlops.lock import Lock
from safs.mlops.monitoring import STATE
from safs.mlops.records import record, records
from safs.mlops.studies import MlflowStudies
from safs.mlops.versions import CHAMPION, Registered, find_version
from safs.retraining.decision import DAY, Decision, Facts, Rules, decide

STARTED, REASON = "safs.started", "safs.reason"


class Retrainer(Registered):
    """Decides for one registered model, which need not exist yet, whether it is trained anew, and writes down that it was."""

    def consider(self, rules: Rules, asked: str, data_fingerprint: Callable[[], str]) -> Decision:
        """What would be decided now; see `claim`."""
        return decide(rules, self._facts(rules, data_fingerprint), asked)

    def claim(self, rules: Rules, asked: str, data_fingerprint: Callable[[], str]) -> tuple[Decision, str]:
        """Decide; if a training is to be started, that is written down before anybody else can ask.

        Args:
            rules: when to train.
            asked: a reason that somebody gave.
            data_fingerprint: gives the fingerprint of the data set as it is now; called if the rules want to know.

        Returns:
            The decision, and the id of the run that records it; none is recorded if nothing is started.

        Raises:
            SafsError: another process is deciding at this moment.
        """
        with Lock(self.client, f"{self.name}.retraining", f"a decision on retraining {self.name}").held() as lock:
            facts = self._facts(rules, data_fingerprint)
            decision = decide(rules, facts, asked)
            run = ""
            if decision.start:
                lock.check()
                with record(self.client, self.uri, self.workspace, "retrain", self.name, facts.champion) as tracker:
                    tracker.tags({REASON: decision.reason[:5000], STARTED: str(time.time())})
                    run = tracker.run
            return decision, run

    def failed(self, run: str, reason: str) -> None:
        """Write down that a training could not be started, so that it does not count against the next one."""
        self.client.set_tag(run, "safs.failure", reason[:5000])
        self.client.delete_tag(run, STARTED)
        self.client.set_terminated(run, "FAILED")

    def started(self, run: str, what: str) -> None:
        """Write down what was started: a run of the pipeline."""
        self.client.set_tag(run, "safs.training", what)

    def warm_start(self) -> str:
        """The champion's searches, or its experiment's if they came from a cache, for the option warm_start; or nothing."""
        try:
            champion = find_version(self.client, self.name, CHAMPION)
        except SafsError:
            return ""
        experiment = str(self.client.get_run(str(champion.run_id)).info.experiment_id)
        sources = (champion.tags.get("pipeline_run", ""), experiment)
        return next((f"mlflow:{source}" for source in sources if self._has_searches(source)), "")

    def _has_searches(self, source: str) -> bool:
        try:
            with tempfile.TemporaryDirectory() as folder:
                MlflowStudies(self.client).fetch(source, Path(folder))
        except SafsError:
            return False
        return True

    def _facts(self, rules: Rules, data_fingerprint: Callable[[], str]) -> Facts:
        started = [
            float(run.data.tags[STARTED])
            for run in records(self.client, "retrain", self.name)
            if STARTED in run.data.tags
        ]
        since = (time.time() - max(started)) / DAY if started else None
        try:
            champion = find_version(self.client, self.name, CHAMPION)
        except SafsError:
            return Facts("", 0.0, [], since)
        promoted = champion.tags.get("promotion.promoted_at")
        born = datetime.fromisoformat(promoted).timestamp() if promoted else champion.creation_timestamp / 1e3
        version = str(champion.version)
        runs = records(self.client, "monitor", self.name, version)
        states = [run.data.tags[STATE] for run in runs if STATE in run.data.tags]
        changed = data_fingerprint() != champion.tags.get("data_fingerprint") if rules.new_data else None
        return Facts(version, (time.time() - born) / DAY, states, since, changed)
