"""Everything a database says, read at one moment, and the event history by subject."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import sqlalchemy as sa

from hpsearch.records import (
    ContentRecord,
    DecisionRecord,
    DeliveryRecord,
    EventRecord,
    JobRecord,
    RoundRecord,
    SearchRecord,
    TrialRecord,
)
from hpsearch.store import Engines
from hpsearch.store.queries import columns
from hpsearch.store.tables import (
    dataset_content,
    decision,
    delivery,
    event,
    job,
    round_,
    search,
    trial,
)

T = TypeVar("T")
K = TypeVar("K")
Place = tuple[str, int]  # (search, round)


@dataclass(frozen=True)
class History:
    """Every row that the invariants speak of; events in the order of their ids."""

    searches: Mapping[str, SearchRecord]
    rounds: Sequence[RoundRecord]
    decisions: Sequence[DecisionRecord]
    jobs: Mapping[int, JobRecord]
    trials: Sequence[TrialRecord]
    contents: Mapping[str, ContentRecord]
    deliveries: Sequence[DeliveryRecord]
    events: Sequence[EventRecord]

    @cached_property
    def job_events(self) -> Mapping[tuple[str | None, int | None], Sequence[EventRecord]]:
        """What happened to each job, by search and id: SQLite gives a deleted job's id again."""
        return grouped(
            self.events, lambda e: (e.search_id, e.job_id), keep=lambda e: e.job_id is not None
        )

    def events_of(self, job: JobRecord) -> Sequence[EventRecord]:
        """What happened to a job that is there."""
        return self.job_events[job.search_id, job.id]

    @cached_property
    def search_events(self) -> Mapping[str | None, Sequence[EventRecord]]:
        """What happened to each search itself, without what happened to its jobs."""
        found = grouped(
            self.events,
            lambda e: e.search_id,
            keep=lambda e: e.job_id is None and e.search_id is not None,
        )
        # Of a search that was pruned the history keeps this one word.
        for search_id in [
            s for s, events in found.items() if [e.kind for e in events] == ["deleted"]
        ]:
            del found[search_id]
        return found

    @cached_property
    def deleted(self) -> frozenset[str]:
        """Searches that were deleted."""
        return frozenset(e.search_id for e in self.events if e.kind == "deleted")

    @cached_property
    def jobs_of(self) -> Mapping[Place, Sequence[JobRecord]]:
        """Jobs of each round."""
        return grouped(self.jobs.values(), lambda j: (j.search_id, j.round))

    @cached_property
    def trials_of(self) -> Mapping[Place, Sequence[TrialRecord]]:
        """Trials of each round."""
        return grouped(self.trials, lambda t: (t.search_id, t.round))

    @cached_property
    def members(self) -> Mapping[int, Sequence[TrialRecord]]:
        """Trials of each job."""
        return grouped(self.trials, lambda t: t.job_id)

    @cached_property
    def rounds_of(self) -> Mapping[str, Sequence[RoundRecord]]:
        """Rounds of each search in order."""
        return grouped(self.rounds, lambda r: r.search_id)

    def final(self, search_id: str) -> Sequence[JobRecord]:
        """The final jobs of a search: one at most, if all is well."""
        return [j for j in self.jobs.values() if j.search_id == search_id and j.kind == "final"]


def grouped(
    rows: Iterable[T], key: Callable[[T], K], keep: Callable[[T], bool] = lambda _: True
) -> defaultdict[K, list[T]]:
    """Rows by key, in the order in which they come; an unknown key has none."""
    groups: defaultdict[K, list[T]] = defaultdict(list)
    for row in rows:
        if keep(row):
            groups[key(row)].append(row)
    return groups


def read(url: str) -> History:
    """One consistent snapshot of a database, which is not written to."""
    engines = Engines(url)
    try:
        with reading(engines) as connection:

            def all_of(record: Callable[..., T], table: sa.Table, *order: str) -> list[T]:
                query = sa.select(*columns(record, table)).order_by(*(table.c[n] for n in order))
                return [record(*row) for row in connection.execute(query)]

            return History(
                searches={s.id: s for s in all_of(SearchRecord, search, "created_at", "id")},
                rounds=all_of(RoundRecord, round_, "search_id", "number"),
                decisions=all_of(DecisionRecord, decision, "search_id", "round", "name"),
                jobs={j.id: j for j in all_of(JobRecord, job, "id")},
                trials=all_of(TrialRecord, trial, "search_id", "round", "idx"),
                contents={c.digest: c for c in all_of(ContentRecord, dataset_content, "digest")},
                deliveries=all_of(DeliveryRecord, delivery, "id"),
                events=all_of(EventRecord, event, "id"),
            )
    finally:
        engines.dispose()


def reading(engines: Engines) -> sa.Connection:
    """A connection whose statements see one moment and can write nothing."""
    if engines.sqlite:
        connection = engines.read.connect()
        connection.exec_driver_sql("PRAGMA query_only = ON")
        return connection
    connection = engines.read.connect()
    # The store's engine begins every transaction as READ COMMITTED, whatever the options say.
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    return connection
