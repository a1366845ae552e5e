"""Jobs, workers and events as they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hpsearch.space import Params
from hpsearch.trials import Hint, JobState, Role, RoundKind


class Place(NamedTuple):
    """The round of a job."""

    search_id: str
    kind: RoundKind
    round: int


class JobRecord(NamedTuple):
    """A job, the unit of the queue; `attempt` is its fencing token.

    dataset_digest
        Of its search; None where it is trained elsewhere, or the digest was not read as well.
    """

    id: int
    search_id: str
    kind: RoundKind
    round: int
    number: int
    state: JobState
    attempt: int
    losses: int
    trials: int
    epochs: int
    deadline_seconds: float
    worker_run: str | None
    heartbeats: int
    created_at: float
    published_at: float | None
    not_before: float | None
    claimed_at: float | None
    lease_seconds: float | None
    lease_until: float | None
    deadline_at: float | None
    finished_at: float | None
    done_attempt: int | None
    openings: int
    opened_at: float | None
    opened_attempt: int | None
    fingerprint: Mapping[str, str] | None
    seconds: float | None
    peak_rss_bytes: int | None
    ensemble_correct: int | None
    error: str | None
    dataset_digest: str | None = None

    @property
    def place(self) -> Place:
        """Its round."""
        return Place(self.search_id, self.kind, self.round)

    @property
    def hint(self) -> Hint:
        """Its present attempt."""
        return Hint(self.id, self.attempt)


class Task(NamedTuple):
    """A trial of a claimed job."""

    idx: int
    params: Params
    role: Role | None
    cohort: int


class ClaimedJob(NamedTuple):
    """A job that was claimed, with its search's spec and dataset, and its trials by index."""

    search_id: str
    kind: RoundKind
    round: int
    epochs: int
    spec: Mapping[str, Any]
    info: Mapping[str, Any]
    rungs: Sequence[int] | None
    tasks: Sequence[Task]

    @property
    def ladder(self) -> Sequence[int]:
        """The rungs; of a round of an early version the only one."""
        return self.rungs or [self.epochs]


class RunningJob(NamedTuple):
    """The signs of life of a job that runs.

    expired
        True where the database's clock says that its lease has run out.
    """

    id: int
    search_id: str
    attempt: int
    losses: int
    worker_run: str
    heartbeats: int
    deadline_seconds: float
    lease_seconds: float | None
    expired: bool


class FinalRecord(NamedTuple):
    """The final test of a search."""

    round: int
    state: JobState
    openings: int = 0
    opened_at: float | None = None
    ensemble_correct: int | None = None


class WorkerRecord(NamedTuple):
    """A worker process, and for how many seconds it has been silent."""

    id: str
    host: str
    pid: int
    started_at: float
    seen_at: float
    fingerprint: Mapping[str, str]
    silent: float


class LoopRecord(NamedTuple):
    """A process of the loop, and for how many seconds it has been silent."""

    id: str
    host: str
    pid: int
    started_at: float
    seen_at: float
    silent: float


class EventRecord(NamedTuple):
    """An entry of the append-only history; what `detail` holds depends on `kind`."""

    id: int
    at: float
    search_id: str | None
    job_id: int | None
    attempt: int | None
    kind: str
    detail: Mapping[str, Any] | None
