"""Everything a database says, read at one moment, and the event history by subject."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from hpsearch.store import Engines
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

Row = Any
Place = tuple[str, int]  # (search, round)


@dataclass(frozen=True)
class History:
    """Raw rows of every table that the invariants speak of; events in the order of their ids."""

    searches: Mapping[str, Row]
    rounds: Sequence[Row]
    decisions: Sequence[Row]
    jobs: Mapping[int, Row]
    trials: Sequence[Row]
    contents: Mapping[str, Row]
    deliveries: Sequence[Row]
    events: Sequence[Row]

    @cached_property
    def job_events(self) -> Mapping[tuple[str | None, int], Sequence[Row]]:
        """What happened to each job, by search and id: SQLite gives a deleted job's id again."""
        return grouped(
            self.events, lambda e: (e.search_id, e.job_id), keep=lambda e: e.job_id is not None
        )

    def events_of(self, job: Row) -> Sequence[Row]:
        """What happened to a job that is there."""
        return self.job_events[job.search_id, job.id]

    @cached_property
    def search_events(self) -> Mapping[str, Sequence[Row]]:
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
    def jobs_of(self) -> Mapping[Place, Sequence[Row]]:
        """Jobs of each round."""
        return grouped(self.jobs.values(), lambda j: (j.search_id, j.round))

    @cached_property
    def trials_of(self) -> Mapping[Place, Sequence[Row]]:
        """Trials of each round."""
        return grouped(self.trials, lambda t: (t.search_id, t.round))

    @cached_property
    def members(self) -> Mapping[int, Sequence[Row]]:
        """Trials of each job."""
        return grouped(self.trials, lambda t: t.job_id)

    @cached_property
    def rounds_of(self) -> Mapping[str, Sequence[Row]]:
        """Rounds of each search in order."""
        return grouped(self.rounds, lambda r: r.search_id)

    def final(self, search_id: str) -> Sequence[Row]:
        """The final jobs of a search: one at most, if all is well."""
        return [j for j in self.jobs.values() if j.search_id == search_id and j.kind == "final"]


def grouped(
    rows: Iterable[Row], key: Any, keep: Any = lambda _: True
) -> defaultdict[Any, list[Row]]:
    """Rows by key, in the order in which they come; an unknown key has none."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        if keep(row):
            found[key(row)].append(row)
    return found


def read(url: str) -> History:
    """One consistent snapshot of a database, which is not written to."""
    engines = Engines(url)
    try:
        with reading(engines) as connection:

            def all_of(table: sa.Table, *order: Any) -> Sequence[Row]:
                return connection.execute(sa.select(table).order_by(*order)).all()

            return History(
                searches={s.id: s for s in all_of(search, search.c.created_at, search.c.id)},
                rounds=all_of(round_, round_.c.search_id, round_.c.number),
                decisions=all_of(decision, decision.c.search_id, decision.c.round, decision.c.name),
                jobs={j.id: j for j in all_of(job, job.c.id)},
                trials=all_of(trial, trial.c.search_id, trial.c.round, trial.c.idx),
                contents={c.digest: c for c in all_of(dataset_content, dataset_content.c.digest)},
                deliveries=all_of(delivery, delivery.c.id),
                events=all_of(event, event.c.id),
            )
    finally:
        engines.dispose()


def reading(engines: Engines) -> sa.Connection:
    """A connection whose statements see one moment and can write nothing."""
    if engines.sqlite:
        connection = engines.read.connect()
        connection.exec_driver_sql("PRAGMA query_only = ON")
        return connection
    return engines.read.connect().execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )
