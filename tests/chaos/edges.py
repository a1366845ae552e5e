"""Edges where a process is most vulnerable, and what the harness can have happen to it there.

Only in processes that the launcher started: there the real methods are wrapped, so that a
process which comes to an edge looks whether somebody has armed it. Arming is a file named
`EDGE.ACTION` in a folder; who takes it renames it to `EDGE.ACTION.PID`, so one process does.
"""

from __future__ import annotations

import os
import signal
from functools import wraps
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from hpsearch.service import advance as advancing
from hpsearch.service.jobs import JobService

KILL, FREEZE = "kill", "freeze"
ACTIONS = {KILL: signal.SIGKILL, FREEZE: signal.SIGSTOP}

DECIDED = "decided"  # a decision is made and not written
ADVANCED = "advanced"  # a round is committed and not published
SENT = "sent"  # hints are on the broker and not marked
CLAIMED = "claimed"  # a job is taken and not begun
TRAINED = "trained"  # a job is trained and not written
FINISHED = "finished"  # a job is written, the round not advanced and nothing published
COMMITTING = "committing"  # a transaction is about to be committed


class Edges:
    """The harness's side: one folder in which edges are armed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def arm(self, edge: str, action: str) -> None:
        """Let the next process that comes to `edge` be killed or frozen there."""
        (self.folder / f"{edge}.{action}").touch()

    def disarm(self, edge: str, action: str) -> bool:
        """Take back what nobody has met; False when somebody has."""
        try:
            (self.folder / f"{edge}.{action}").unlink()
        except FileNotFoundError:
            return False
        return True

    def taken(self, edge: str, action: str) -> int | None:
        """The process that met it; told once."""
        for path in self.folder.glob(f"{edge}.{action}.*"):
            path.unlink()
            return int(path.suffix[1:])
        return None


def watch(folder: Path) -> None:
    """Make this process look at the edges."""

    def at(edge: str) -> None:
        for action, number in ACTIONS.items():
            armed = folder / f"{edge}.{action}"
            try:
                armed.rename(folder / f"{armed.name}.{os.getpid()}")
            except FileNotFoundError:
                continue
            os.kill(os.getpid(), number)

    def edged(owner: Any, name: str, *, before: str | None = None, after: str | None = None):
        real = getattr(owner, name)

        @wraps(real)
        def call(*args: Any, **options: Any) -> Any:
            if before:
                at(before)
            found = real(*args, **options)
            if after and found:
                at(after)
            return found

        setattr(owner, name, call)

    edged(advancing, "decide", after=DECIDED)
    edged(JobService, "advance", after=ADVANCED)
    edged(JobService, "published", before=SENT)
    edged(JobService, "claim", after=CLAIMED)
    edged(JobService, "finish", before=TRAINED, after=FINISHED)
    edged(JobService, "finish_together", before=TRAINED, after=FINISHED)

    @event.listens_for(Engine, "commit")
    def _commit(_connection: Any) -> None:
        at(COMMITTING)
