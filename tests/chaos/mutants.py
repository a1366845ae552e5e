"""Faults of ours that the harness must find: a suite that cannot fail proves nothing."""

from __future__ import annotations

from contextlib import ExitStack

from support import mutants

_applied = ExitStack()  # for the rest of the process


def unfenced() -> None:
    """`finish` writes by the job's id alone: any attempt, any worker, any state.

    Heartbeats keep their fence.
    """
    for name in ("finish without its fence", "finish together without the fence"):
        _applied.enter_context(mutants.applied(mutants.MUTANTS[name]))


MUTANTS = {"unfenced": unfenced}
