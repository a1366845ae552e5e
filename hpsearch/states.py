"""The words of states, rounds, verdicts and roles, and which of them belong together.

They stand apart from the values that have them: views of the contract need no more than the words.
"""

from __future__ import annotations

from enum import StrEnum


class SearchState(StrEnum):
    """The coarse state that drives a search; docs/states.md draws the moves."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


WORKING = (SearchState.RUNNING, SearchState.FINALIZING)  # their jobs may be claimed
ADVANCING = (SearchState.QUEUED, *WORKING)  # the loop plans their next round
EDITABLE = (SearchState.QUEUED, SearchState.RUNNING, SearchState.PAUSED)
ENDED = frozenset({SearchState.COMPLETED, SearchState.CANCELLED, SearchState.FAILED})
ACTIVE = tuple(s for s in SearchState if s not in ENDED)


class JobState(StrEnum):
    """State of a job, the unit of the queue."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TrialState(StrEnum):
    """State of a trial; whether it is running is read off its job."""

    PENDING = "pending"
    COMPLETED = "completed"
    STOPPED = "stopped"
    DIVERGED = "diverged"
    FAILED = "failed"
    CANCELLED = "cancelled"


SCORED = (TrialState.COMPLETED, TrialState.STOPPED)
OBSERVED = (*SCORED, TrialState.DIVERGED)  # the ends that tell something of the parameters


class RoundKind(StrEnum):
    """What a round is for."""

    EXPLORE = "explore"
    REPEAT = "repeat"
    FINAL = "final"


class Verdict(StrEnum):
    """What a round's evidence said about one range."""

    NARROWED = "narrowed"
    KEPT = "kept"
    UNIDENTIFIED = "unidentified"
    OPEN_LOW = "open_low"
    OPEN_HIGH = "open_high"
    OPEN_BOTH = "open_both"

    @property
    def open(self) -> bool:
        """Say whether better values may lie beyond an end of the range."""
        return self in (Verdict.OPEN_LOW, Verdict.OPEN_HIGH, Verdict.OPEN_BOTH)


class Basis(StrEnum):
    """What a verdict rests on. Only `enough` beside `unidentified` says that a value makes no difference."""

    ENOUGH = "enough"
    TOO_FEW_TRIALS = "too_few_trials"
    UNTRIED_LEVELS = "untried_levels"
    ALL_DIVERGED = "all_diverged"


class Role(StrEnum):
    """What one model of the final test is trained for."""

    RECOMMENDED = "recommended"
    DRAWN = "drawn"
    OPTIMISM = "optimism"
    REPEATED = "repeated"  # the recommended setting again, to be held against the baseline
    BASELINE = "baseline"
    NETWORK = "network"  # another one of the recommended model, which answers with their mean


OF_RANGE = (Role.RECOMMENDED, Role.DRAWN)  # the models that the best range answers with
