"""A registered version looked at in production: its profile fetched, a batch compared, the outcome recorded."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from safs.data.forms import Windows
from safs.errors import SafsError
from safs.files import write_json, write_text
from safs.mlops.measuring import predict_all, single_times
from safs.mlops.records import record, records
from safs.mlops.tracking import MlflowTracker
from safs.mlops.versions import Registered, fetch_version, find_version
from safs.monitoring.batch import Batch, read_batch
from safs.monitoring.drift import Finding, compare
from safs.monitoring.limits import Limits
from safs.monitoring.metrics import render_metrics
from safs.monitoring.outcome import Outcome, State, conclude
from safs.monitoring.quality import faults_of
from safs.monitoring.report import render_outcome
from safs.reference.profile import Profile, read_profile

STATE, DRIFTED, BATCH, FINGERPRINT = "safs.state", "safs.drifted", "safs.batch", "safs.batch_fingerprint"
SHOWN = 14  # earlier batches in a report


class Monitor(Registered):
    """Looks at the batches of one registered model; what it has seen is kept by MLflow, so it needs no disk of its own."""

    def look(self, reference: str, source: str, limits: Limits, windows: Windows, out: Path | None) -> Outcome:
        """Compare a batch with a version's reference profile.

        Args:
            reference: the version's number or alias.
            source: the batch.
            limits: what counts as drift.
            windows: how rows of tables become examples.
            out: folder for the report, the JSON and the metrics; they are in MLflow in any case.

        Raises:
            SafsError: there is no such version, or it has no profile.
        """
        found = find_version(self.client, self.name, reference)
        version = str(found.version)
        with tempfile.TemporaryDirectory() as temporary:
            stored = fetch_version(self.client, self.uri, found, Path(temporary))
            profile = read_profile(stored.weights.parent)
            with record(self.client, self.uri, self.workspace, "monitor", self.name, version) as tracker:
                folder = out or Path(temporary) / "out"
                folder.mkdir(parents=True, exist_ok=True)
                try:
                    batch = read_batch(source, profile.shape, profile.classes, windows)
                    faults = faults_of(batch, profile, limits)
                except SafsError as error:
                    batch, faults = Batch(source, np.empty((0, *profile.shape), np.float32), None), [str(error)]
                findings, latency, accuracy = list[Finding](), None, None
                if not faults:
                    predictor = stored.predictor()
                    probabilities = predict_all(predictor, batch.x)
                    latency = float(np.median(single_times([predictor], batch.x)[0]))
                    findings = compare(profile, limits, batch.x, probabilities, batch.labels)
                    if batch.labels is not None:
                        accuracy = float((probabilities.argmax(1) == batch.labels).mean())
                outcome = self._conclude(batch, profile, limits, faults, findings, latency, accuracy, version)
                self._record(outcome, version, tracker, folder)
        return outcome

    def _conclude(
        self,
        batch: Batch,
        profile: Profile,
        limits: Limits,
        faults: list[str],
        findings: list[Finding],
        latency: float | None,
        accuracy: float | None,
        version: str,
    ) -> Outcome:
        fingerprint = batch.fingerprint
        earlier = [
            run
            for run in records(self.client, "monitor", self.name, version)
            if STATE in run.data.tags and run.data.tags[FINGERPRINT] != fingerprint
        ]
        usable = [run for run in earlier if run.data.tags[STATE] != State.DATA_FAULT.label]
        drifts = [run.data.tags[DRIFTED] == "True" for run in usable]
        state, reason, drifted = conclude(faults, findings, latency, limits, drifts)
        shown = [
            {
                "when": datetime.fromtimestamp(run.info.start_time / 1e3, UTC).isoformat(" ", "minutes"),
                "batch": run.data.tags[BATCH],
                "state": run.data.tags[STATE],
            }
            for run in earlier[:SHOWN]
        ]
        usual = profile.correct / profile.examples
        return Outcome(
            state,
            reason,
            batch.name,
            fingerprint,
            len(batch.x),
            faults,
            findings,
            accuracy,
            usual,
            latency,
            drifted,
            limits,
            shown,
        )

    def _record(self, outcome: Outcome, version: str, tracker: MlflowTracker, folder: Path) -> None:
        write_json(folder / "monitor.json", outcome.as_json())
        write_text(folder / "monitor.html", render_outcome(outcome, self.name, version))
        write_text(folder / "metrics.prom", render_metrics(outcome, self.name, version))
        for file in ("monitor.json", "monitor.html", "metrics.prom"):
            tracker.file(folder / file)
        metrics: dict[str, Any] = {
            "examples": outcome.examples,
            "accuracy": outcome.accuracy,
            "latency_ms": outcome.latency_ms,
        }
        for family in {finding.family for finding in outcome.findings}:
            metrics[f"{family}_effect"] = max(f.effect for f in outcome.findings if f.family == family)
            metrics[f"{family}_p_value"] = min(f.p_value for f in outcome.findings if f.family == family)
        tracker.metrics({name: value for name, value in metrics.items() if value is not None})
        tags = {STATE: outcome.state.label, DRIFTED: str(outcome.drifted), BATCH: outcome.batch[:200]}
        tracker.tags({**tags, FINGERPRINT: outcome.fingerprint, "safs.reason": outcome.reason[:5000]})
