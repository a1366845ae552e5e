"""Polling of a search to its end: the changes of its status, and a line of progress."""

from __future__ import annotations

import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import IO, Protocol

from hpsearch.errors import Conflict, Unavailable
from hpsearch.report import views, words
from hpsearch.states import ENDED

POLL = 10.0  # seconds that one request waits for news
PAUSE = 0.1  # seconds between two requests at the least: a busy search has news all the time
IDLE = 0.5  # the same where a request came back at once without news
OUTAGE = 60.0  # seconds for which a service may be away
BAR = 16  # characters
_PLAIN_BAR = str.maketrans("━─", "#-")  # for encodings that lack them


class ReadStatus(Protocol):
    """A reader of the status, once it differs from `after` or `wait` seconds are over."""

    def __call__(
        self, search: str, *, wait: float = 0.0, after: views.StatusView | None = None
    ) -> views.StatusView:
        """Read the status."""
        ...


def changes(
    read_status: ReadStatus, first: views.StatusView, *, timeout: float | None = None
) -> Iterator[views.StatusView]:
    """`first` and every change after it until the search has ended.

    Raises
    ------
    Unavailable
        The service was away for longer than a minute.
    Conflict
        The search has not ended after `timeout` seconds.
    """
    yield first
    view, heard = first, time.monotonic()
    deadline = None if timeout is None else heard + timeout
    while view.state not in ENDED:
        sent = time.monotonic()
        left = POLL if deadline is None else deadline - sent
        if left <= 0:
            raise Conflict(f"search {view.id} is still {view.state} after {timeout:g} seconds")
        try:
            new = read_status(view.id, wait=min(POLL, left), after=view)
            if new is view and view.objective == "external":
                new = read_status(view.id)  # time alone changes for how long it waits for trainers
        except Unavailable:
            if time.monotonic() - heard > OUTAGE:
                raise
            time.sleep(IDLE)
            continue
        heard = time.monotonic()
        news = (new.revision, new.waiting) != (view.revision, view.waiting)
        view = new
        if news:
            yield view
        if view.state not in ENDED:
            time.sleep(PAUSE if news or heard - sent > IDLE else IDLE)


def last(statuses: Iterable[views.StatusView], *, show: bool) -> views.StatusView:
    """The last of `statuses` (one at least); with `show` all of them on one line as they come."""
    line = _line() if show else None
    view = None
    try:
        for view in statuses:
            if line is not None:
                line.show(progress(view))
    finally:
        if line is not None:
            line.close()
    assert view is not None  # a search has a status
    return view


class _Line(Protocol):
    """A place for one line that replaces itself."""

    def show(self, text: str) -> None:
        """Put another text in the place of the one before."""
        ...

    def close(self) -> None:
        """Leave the last text as it is."""
        ...


def _line() -> _Line | None:
    """A line of a notebook's cell or of a terminal; None where neither shows one.

    Terminals that know no return to the line's beginning (TERM=dumb), and runs of CI that have one for
    colours alone, would show each text behind the other.
    """
    if _in_cell():
        return _CellLine()
    plain = os.environ.get("TERM") == "dumb" or os.environ.get("CI", "").lower() in ("true", "1")
    return _TerminalLine(sys.stderr) if sys.stderr.isatty() and not plain else None


def _in_cell() -> bool:
    """True in a cell of Jupyter, VS Code and others; not in a program that has only loaded what they use."""
    if "ipykernel" not in sys.modules:
        return False
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None  # IPython in a terminal has none


class _CellLine:
    """An output of a notebook's cell that is replaced as a whole: a saved notebook has its last text."""

    def __init__(self) -> None:
        self._name: str | None = None

    def show(self, text: str) -> None:
        """Put another text in the place of the one before."""
        from IPython.display import display

        known, self._name = self._name, self._name or f"hpsearch-{uuid.uuid4().hex}"
        shown = {"text/plain": text}
        display(shown, raw=True, display_id=self._name, update=known is not None)

    def close(self) -> None:
        """Leave the last text as it is."""


class _TerminalLine:
    """The last line of a terminal."""

    def __init__(self, screen: IO[str]) -> None:
        self._screen = screen
        self._length = 0

    def show(self, text: str) -> None:
        """Put another text in the place of the one before."""
        text = text[: max(20, shutil.get_terminal_size().columns - 1)]
        encoding = getattr(self._screen, "encoding", None) or "utf-8"
        if text.encode(encoding, "replace").decode(encoding) != text:
            text = text.translate(_PLAIN_BAR)
        print(f"\r{text.ljust(self._length)}", end="", file=self._screen, flush=True)
        self._length = len(text)

    def close(self) -> None:
        """End the line."""
        if self._length:
            print(file=self._screen, flush=True)


def progress(view: views.StatusView) -> str:
    """The progress of a search as a line."""
    done, planned = view.epochs.trained, max(1, view.epochs.planned)
    share = 1.0 if view.state in ENDED else min(1.0, done / planned)
    full = round(share * BAR)
    parts = [
        f"{'━' * full}{'─' * (BAR - full)} {share:4.0%}",
        f"{view.state}, round {view.rounds.completed}/{view.rounds.planned}",
    ]
    if view.waiting is not None:
        parts.append(view.waiting.message)
    if view.best is not None:
        parts.append(f"best {words.share(view.best.shown)}")
    if (view.eta_seconds or 0.0) >= 1:
        parts.append(f"about {words.duration(view.eta_seconds or 0.0)} left")
    return "  ".join(parts)
