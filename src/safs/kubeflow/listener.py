"""Listens to the tasks of a local run: draws their progress, keeps their log, catches their errors."""

import io
import json
import logging
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from safs.mlops.progress import MARK


class Listener(io.TextIOBase):
    """Stands in for standard output while `kfp.local` runs.

    Args:
        path: the log file; a disk that fills up does not stop the run from saying so.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.error = ""
        self.ran: list[str] = []
        self.summaries: dict[str, dict[str, Any]] = {}
        self.spans: list[tuple[float, float]] = []
        self.console = Console(stderr=True)
        self.bars = Progress(
            TextColumn("{task.description:<15}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}", style="dim"),
            console=self.console,
        )
        self.tasks: dict[tuple[str, str], TaskID] = {}
        self.rest = ""
        self.lock = threading.Lock()
        self.log = path.open("w", encoding="utf-8")
        self.handler = logging.StreamHandler(self)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.bars.start()
        root = logging.getLogger()
        self.others, root.handlers = root.handlers, [self.handler]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        logging.getLogger().handlers = self.others
        if self.console.is_terminal:
            self.bars.stop()
        self.log.close()

    def write(self, text: str) -> int:
        """Take what tasks and kfp print, line by line."""
        with self.lock:
            *lines, self.rest = (self.rest + text).split("\n")
            for line in lines:
                self._line(line)
        return len(text)

    def worked(self) -> float:
        """Seconds in which at least one step was doing its own work."""
        total, end = 0.0, 0.0
        for begin, stop in sorted(self.spans):
            total += max(0.0, stop - max(begin, end))
            end = max(end, stop)
        return total

    def _line(self, line: str) -> None:
        try:
            self.log.write(line + "\n")
            self.log.flush()
        except OSError:
            self.error = self.error or f"{self.path} cannot be written: is the disk full?"
        _, mark, event = line.partition(MARK)
        if mark:
            self._event(json.loads(event))

    def _event(self, event: dict[str, Any]) -> None:
        key = (event["step"], event["label"])
        name = " ".join(key).strip()
        if "error" in event:
            self.error = event["error"]
            self.console.print(f"[red]✗[/] {name} failed; what runs beside it may still finish", highlight=False)
        elif "worked" in event:
            begin, end = event["worked"]
            self.spans.append((begin, end))
            self.ran.append(name)
            self.summaries[event["step"]] = event["summary"]
            task = self.tasks.pop(key, None)
            text = self.bars.tasks[self.bars.task_ids.index(task)].fields["text"] if task is not None else ""
            if task is not None:
                self.bars.remove_task(task)
            self.console.print(f"[green]✓[/] {name:<15} {end - begin:6.1f} s  [dim]{text}[/]", highlight=False)
        else:
            if key not in self.tasks:
                self.tasks[key] = self.bars.add_task(name, total=event["total"], text="")
            self.bars.update(self.tasks[key], completed=event["done"], total=event["total"], text=event["text"])
