"""A search that many machines share, through the database of an Optuna study.

Every machine runs the same search and comes to the same tasks, for a search follows from its plan alone. The database
says who trains which: a task is a trial, claimed by one machine, kept by its heartbeat, and given to another if the
heartbeat stops. So machines may come, go and be killed at any time, and the outcome is that of a single machine.
"""

import hashlib
import json
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from safs.errors import SafsError
from safs.files import code_version
from safs.searching.trial import Bench, Curve, Task
from safs.searching.workers import Done, Trainer

HEARTBEAT, GRACE, POLL = 5, 30, 0.5  # seconds: between signs of life, until a claim is void, between looks
ATTEMPTS = 5  # several machines that set up a fresh database at once get in each other's way

Publish = Callable[[str, Any], None]  # the outcome of a key
Work = Callable[[list[str], Publish], None]  # finds the outcomes of some keys


def masked(url: str) -> str:
    """A database's address without its password, fit for messages and logs."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url.rpartition("@")[2]


def study_name(bench: Bench) -> str:
    """What machines call the same work: a fingerprint of all that decides the outcome of a training."""
    digest = hashlib.sha256(code_version().encode())
    described = [asdict(bench.settings), asdict(bench.compute), bench.epochs, bench.patience, bench.seed]
    digest.update(json.dumps(described, sort_keys=True).encode())
    parts = {"training": bench.training, "validation": bench.validation}
    images = {f"{name}.{kind}": getattr(part, kind) for name, part in parts.items() for kind in "xy"}
    for name, tensor in {**bench.model.state_dict(), **images}.items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return f"safs-{digest.hexdigest()[:24]}"


def _take_turns(storage: RDBStorage) -> None:
    """Let SQLite, which locks no rows, lock the file before it reads: otherwise two machines can find the same task free."""
    if storage.engine.name == "sqlite":
        event.listen(storage.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))


class SharedStudy:
    """Outcomes by key, each found by one of the machines that share the study.

    Args:
        url: the database, for example `postgresql+psycopg://user@host/name`; the password is better kept in `PGPASSWORD`.
        name: the study's; machines that give the same name share it.
        heartbeat: seconds between signs of life.
        grace: seconds without one after which a claim is void.

    Raises:
        SafsError: no database answers.
    """

    def __init__(self, url: str, name: str, heartbeat: int = HEARTBEAT, grace: int = GRACE) -> None:
        self.heartbeat = heartbeat
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        for attempt in range(ATTEMPTS):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ExperimentalWarning)
                    self.storage = RDBStorage(url, heartbeat_interval=heartbeat, grace_period=grace)
                _take_turns(self.storage)
                self.study = optuna.create_study(
                    storage=self.storage, study_name=name, direction="maximize", load_if_exists=True
                )
                self.id = self.storage.get_study_id_from_name(name)
                return
            except Exception as error:  # optuna, sqlalchemy and the driver each raise their own
                if attempt + 1 == ATTEMPTS or isinstance(error, ArgumentError | ImportError):
                    reason = str(error.__cause__ or error).strip().split("\n")[0].replace(url, masked(url))[:200]
                    raise SafsError(
                        f"no database for the study answers at {masked(url)}; start it, or leave storage empty to search "
                        f"on this machine alone ({reason})"
                    ) from None
                time.sleep(0.2 * (attempt + 1))

    def find(self, keys: Sequence[str], work: Work, at_once: int, on_found: Callable[[str, Any, bool], None]) -> None:
        """Find the outcomes of all keys together with the other machines.

        Args:
            keys: what is to be found.
            work: finds outcomes on this machine.
            at_once: how many keys this machine claims at a time.
            on_found: called with each key, its outcome, and whether it was found by this machine.
        """
        left = dict.fromkeys(keys)
        while left:
            trials = self._trials(left)
            for key, trial in trials.items():
                if trial.state == TrialState.COMPLETE:
                    del left[key]
                    on_found(key, trial.user_attrs["outcome"], False)
            waiting = {key: trial for key, trial in trials.items() if trial.state == TrialState.WAITING}
            claimed = self._claim(waiting, at_once)
            if claimed:
                for key, outcome in self._work(claimed, work).items():
                    del left[key]
                    on_found(key, outcome, True)
            elif left:
                time.sleep(POLL)
                self._void_claims()

    def agree(self, key: str, compute: Callable[[], Any]) -> Any:
        """What one of the machines has computed, the same for all of them."""
        found: list[Any] = []
        self.find([key], lambda _, publish: publish(key, compute()), 1, lambda _, outcome, __: found.append(outcome))
        return found[0]

    def _trials(self, keys: Mapping[str, None]) -> dict[str, FrozenTrial]:
        """The one trial of each key that counts: the first that has not failed; a key without one gets it."""
        found = self._first(keys)
        for key in [key for key in keys if key not in found]:
            template = optuna.create_trial(state=TrialState.WAITING, user_attrs={"key": key})
            self.storage.create_new_trial(self.id, template)
        return found if len(found) == len(keys) else self._first(keys)

    def _first(self, keys: Mapping[str, None]) -> dict[str, FrozenTrial]:
        found: dict[str, FrozenTrial] = {}
        for trial in sorted(self.storage.get_all_trials(self.id, deepcopy=False), key=lambda trial: trial.number):
            key = str(trial.user_attrs.get("key"))
            if key in keys and trial.state != TrialState.FAIL:
                found.setdefault(key, trial)
        return found

    def _claim(self, waiting: Mapping[str, FrozenTrial], count: int) -> dict[str, int]:
        """Trial ids of the keys that are this machine's now."""
        claimed: dict[str, int] = {}
        for key, trial in waiting.items():
            if len(claimed) == count:
                break
            with suppress(UpdateFinishedTrialError):
                self.storage.record_heartbeat(trial._trial_id)  # before the claim: one without it would never be void
                if self.storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING):
                    claimed[key] = trial._trial_id
        return claimed

    def _work(self, claimed: dict[str, int], work: Work) -> dict[str, Any]:
        """Find the outcomes of claimed keys; those of claims that were void in the meantime are not given."""
        outcomes: dict[str, Any] = {}

        def publish(key: str, outcome: Any) -> None:
            with suppress(UpdateFinishedTrialError):
                self.storage.set_trial_user_attr(claimed[key], "outcome", outcome)
                value = max(outcome)[0] if isinstance(outcome, list) else 0.0
                self.storage.set_trial_state_values(claimed[key], TrialState.COMPLETE, [value])
                outcomes[key] = outcome

        with self._alive(claimed.values()):
            try:
                work(list(claimed), publish)
            finally:
                for key, trial in claimed.items():
                    if key not in outcomes:
                        with suppress(UpdateFinishedTrialError):
                            self.storage.set_trial_state_values(trial, TrialState.FAIL)
        return outcomes

    @contextmanager
    def _alive(self, trials: Any) -> Iterator[None]:
        """Gives signs of life during the body."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(self.heartbeat):
                for trial in list(trials):
                    self.storage.record_heartbeat(trial)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _void_claims(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            optuna.storages.fail_stale_trials(self.study)


Share = Callable[[Bench], SharedStudy]


def shared_trainer(study: SharedStudy, own: Trainer, at_once: int) -> Trainer:
    """A trainer that shares its tasks with other machines.

    Args:
        study: where outcomes are found together.
        own: who trains on this machine.
        at_once: how many tasks this machine claims at a time, its number of workers.
    """

    def train(tasks: Sequence[Task], done: Done) -> None:
        by_key = {json.dumps(task.key, sort_keys=True): task for task in tasks}

        def work(keys: list[str], publish: Publish) -> None:
            names = {by_key[key].number: key for key in keys}

            def finished(task: Task, curve: Curve, new: bool = True) -> None:  # noqa: ARG001
                publish(names[task.number], curve)

            own([by_key[key] for key in keys], finished)

        study.find(list(by_key), work, at_once, lambda key, curve, new: done(by_key[key], curve, new))

    return train


def sharing(url: str, heartbeat: int = HEARTBEAT, grace: int = GRACE) -> Share | None:
    """How a search finds the study that it shares with other machines; None where there is no database.

    Args:
        url: the database, or nothing.
        heartbeat: seconds between signs of life.
        grace: seconds without one after which another machine takes a claim over.
    """
    return (lambda bench: SharedStudy(url, study_name(bench), heartbeat, grace)) if url else None
