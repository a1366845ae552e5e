"""The live status of a search that runs: bars in a terminal, lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from hpsearch.cli import tables
from hpsearch.report import words
from hpsearch.states import SearchState

if TYPE_CHECKING:
    from hpsearch.client import Client
    from hpsearch.report.views import StatusView

QUIET = 5.0  # seconds between two lines in a pipe, unless a round or the state changes

Show = Callable[["StatusView"], None]


def follow(client: Client, first: StatusView, show: Show) -> StatusView:
    """Show `first` and every change after it until the search has ended."""
    view = first
    for view in client.follow(first):
        show(view)
    return view


@contextmanager
def display(console: Console) -> Iterator[Show]:
    """Make the display of statuses that suits the console."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Live(console=console, refresh_per_second=8) as live:
        yield _Bars(live)


class _Bars:
    """Bars for rounds, trials and epochs; below them the best so far and the ranges."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._progress = Progress(
            TextColumn("{task.description:>7}"),
            BarColumn(bar_width=36),
            MofNCompleteColumn(),
            console=live.console,
        )
        names = ("rounds", "trials", "epochs")
        self._tasks = [self._progress.add_task(name, total=None) for name in names]

    def __call__(self, view: StatusView) -> None:
        done = (view.rounds.completed, tables.ended(view.trials), view.epochs.trained)
        planned = (view.rounds.planned, view.trials.planned, view.epochs.planned)
        for task, completed, total in zip(self._tasks, done, planned, strict=True):
            self._progress.update(task, completed=completed, total=total)
        pairs = [("state", Text(_state(view))), ("best trial", Text(tables.best_line(view)))]
        self._live.update(
            Group(self._progress, tables.facts([*pairs, ("ranges", tables.ranges(view.ranges))]))
        )


class _Lines:
    """A line for each change of state or round, and one every few seconds between them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: tuple[object, ...] = ()
        self._at = 0.0

    def __call__(self, view: StatusView) -> None:
        present = (view.state, view.rounds.completed, view.rounds.kind, view.waiting is None)
        if present == self._last and time.monotonic() - self._at < QUIET:
            return
        self._last, self._at = present, time.monotonic()
        # The last line names the answer: the best trial may lie outside the best range.
        answer = view.state is SearchState.COMPLETED
        ranges = f"  best range {tables.ranges_line(view)}" if answer else ""
        self._console.print(
            f"round {view.rounds.completed}/{view.rounds.planned}"
            f"  trials {tables.ended(view.trials)}/{view.trials.planned}"
            f"  epochs {view.epochs.trained}/{view.epochs.planned}"
            f"{ranges}  best trial {tables.best_line(view)}  {_state(view)}",
            soft_wrap=True,
        )


def _state(view: StatusView) -> str:
    seconds = view.eta_seconds or 0.0  # less than one is not shown
    left = f", about {words.duration(seconds)} left" if seconds >= 1 else ""
    return words.plain(tables.state(view)) + left
