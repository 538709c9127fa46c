"""Who trains candidates: this process, or several worker processes."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Protocol

import torch.multiprocessing

from safs.errors import SafsError
from safs.searching.trial import Bench, Curve, Task, train_candidate


class Done(Protocol):
    """Is told of a training that has ended."""

    def __call__(self, task: Task, curve: Curve, new: bool = True) -> None:
        """Take note of a curve; `new` if this process, or one of its workers, has just trained it."""


class Trainer(Protocol):
    """Trains candidates."""

    def __call__(self, tasks: Sequence[Task], done: Done) -> None:
        """Train all of them, in any order, and call `done` with each as soon as it has ended."""


@contextmanager
def trainer(bench: Bench, workers: int) -> Iterator[Trainer]:
    """Who trains the candidates of a bench; worker processes end with the body.

    Args:
        bench: what the candidates have in common; it is sent to each worker once.
        workers: how many processes; 1 trains in this one.
    """
    if workers == 1:

        def here(tasks: Sequence[Task], done: Done) -> None:
            for task in tasks:
                done(task, train_candidate(bench, task))

        yield here
        return
    spawn = torch.multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, spawn, _begin, (bench, os.getpid()))

    def there(tasks: Sequence[Task], done: Done) -> None:
        futures = {pool.submit(_work, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                done(futures[future], future.result())
        except BrokenProcessPool:
            raise SafsError(
                f"a worker process of the search ended before its time, for lack of memory perhaps (workers is {workers}); "
                "run again to go on, finished trials are kept"
            ) from None

    try:
        yield there
    finally:
        pool.shutdown(cancel_futures=True)


_bench: Bench | None = None


def _begin(bench: Bench, parent: int) -> None:
    """What a worker does first: take the bench, and end when the parent is gone, killed perhaps."""
    global _bench  # noqa: PLW0603 - a worker process has one bench
    _bench = bench

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _work(task: Task) -> Curve:
    assert _bench is not None
    return train_candidate(_bench, task)
