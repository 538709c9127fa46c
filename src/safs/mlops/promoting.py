"""Promotion in the registry: judged, written down, and the aliases moved, by one process at a time."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from mlflow.entities.model_registry import ModelVersion

from safs.data import load_info, load_part
from safs.errors import SafsError
from safs.files import write_json, write_text
from safs.mlops.auditing import audit_version
from safs.mlops.lock import Lock
from safs.mlops.measuring import measure_versions
from safs.mlops.records import record
from safs.mlops.tracking import MlflowTracker
from safs.mlops.versions import CHALLENGER, CHAMPION, PREVIOUS, Registered, alias_table, fetch_version, find_version
from safs.promotion.judgement import Verdict, judge
from safs.promotion.report import render_verdict
from safs.promotion.rules import Rules

ROLLED_BACK = "promotion.rolled_back"


class Promoter(Registered):
    """Moves the aliases of one registered model."""

    def promote(self, reference: str, data: Path, rules: Rules, dry: bool = False) -> Verdict:
        """Judge a version against the champion; if all rules are kept, it is the champion.

        Args:
            reference: the version's number or alias.
            data: data set folder, the output of prepare; its test part is what the judgement is made on.
            rules: what it must fulfil.
            dry: judge and write down, but move no alias.

        Raises:
            SafsError: the version is none, is the champion already, was rolled back, or is not what its tags say; or another
                promotion is under way.
        """
        with self._lock("promotion").held() as lock:
            champion = alias_table(self.client, self.name).get(CHAMPION)
            version = find_version(self.client, self.name, reference)
            if str(version.version) == champion:
                raise SafsError(f"{self.name} version {version.version} is the champion already")
            if ROLLED_BACK in version.tags:
                raise SafsError(
                    f"{self.name} version {version.version} was rolled back ({version.tags[ROLLED_BACK]}); to let it try again, "
                    f"delete its tag {ROLLED_BACK}"
                )
            verdict = self._judge(version, champion, data, rules)
            if verdict.promoted and not dry:
                lock.check()
                self._move(str(version.version), champion)
            return verdict

    def rollback(self, reason: str) -> tuple[str, str]:
        """Make the previous champion the champion again.

        Args:
            reason: why; it is written on the version that goes.

        Returns:
            The version that is champion now, and the one that was.

        Raises:
            SafsError: there is no previous champion, or a promotion is under way.
        """
        with self._lock("rollback").held() as lock:
            aliases = alias_table(self.client, self.name)
            champion, previous = aliases.get(CHAMPION), aliases.get(PREVIOUS)
            if champion is None or previous is None or champion == previous:
                raise SafsError(f"{self.name} has no version to go back to; its aliases are: {aliases or 'none'}")
            lock.check()
            self.client.set_model_version_tag(self.name, champion, ROLLED_BACK, f"{_now()} {reason}".strip())
            self.client.set_registered_model_alias(self.name, CHAMPION, previous)
            self.client.delete_registered_model_alias(self.name, PREVIOUS)
            return previous, champion

    def _lock(self, what: str) -> Lock:
        alias_table(self.client, self.name)  # before a lock is made for a name that is none
        return Lock(self.client, f"{self.name}.promotion", f"a {what} of {self.name}")

    def _move(self, version: str, champion: str | None) -> None:
        """In an order that leaves a champion at any moment, and the old one findable: a killed promotion is run again."""
        if champion is not None:
            self.client.set_registered_model_alias(self.name, PREVIOUS, champion)
        self.client.set_registered_model_alias(self.name, CHAMPION, version)
        self.client.set_model_version_tag(self.name, version, "promotion.promoted_at", _now())
        if alias_table(self.client, self.name).get(CHALLENGER) == version:
            self.client.delete_registered_model_alias(self.name, CHALLENGER)

    def _judge(self, version: ModelVersion, champion: str | None, data: Path, rules: Rules) -> Verdict:
        info, labels = load_info(data), load_part(data, "test").y
        run = record(self.client, self.uri, self.workspace, "promote", self.name, str(version.version))
        with tempfile.TemporaryDirectory() as temporary, run as tracker:
            folder = Path(temporary)
            stored = [fetch_version(self.client, self.uri, version, folder)]
            faults = audit_version(stored[0])
            if faults:
                reason = f"failed its audit: {'; '.join(faults)}"
                self._write_down(version, "refused", reason, tracker.run)
                raise SafsError(f"{self.name} version {version.version} {reason}")
            if champion is not None:
                stored.append(
                    fetch_version(self.client, self.uri, find_version(self.client, self.name, champion), folder)
                )
            ours, *theirs = measure_versions(stored, data)
            about = {"name": info.name, "fingerprint": info.fingerprint}
            verdict = judge(rules, ours, theirs[0] if theirs else None, labels, info.classes, about)
            self._record(verdict, version, tracker, folder)
        return verdict

    def _record(self, verdict: Verdict, version: ModelVersion, tracker: MlflowTracker, folder: Path) -> None:
        write_json(folder / "verdict.json", verdict.as_json())
        write_text(folder / "verdict.html", render_verdict(verdict, self.name))
        for file in ("verdict.json", "verdict.html"):
            tracker.file(folder / file)
        sides = {"challenger": verdict.challenger, "champion": verdict.champion or {}}
        tracker.metrics(
            {f"{who}_{key}": side[key] for who, side in sides.items() for key in ("accuracy", "latency_ms") if side}
        )
        if verdict.difference:
            tracker.metrics({"accuracy_difference": verdict.difference.value, "difference_low": verdict.difference.low})
        self._write_down(version, "passed" if verdict.promoted else "refused", verdict.reason, tracker.run)

    def _write_down(self, version: ModelVersion, outcome: str, reason: str, run: str) -> None:
        tags = {"verdict": outcome, "reason": reason[:5000], "judged_at": _now(), "run": run}
        for tag, value in tags.items():
            self.client.set_model_version_tag(self.name, version.version, f"promotion.{tag}", value)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
