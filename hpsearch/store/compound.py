"""A claim, and the end of a job, as one statement each: PostgreSQL alone.

Statements that change rows may stand inside others there: the ten or more that a job takes
become three. They are made of the parts that the single statements are made of, so what is
conditional there is conditional here. Each part reads the rows that the one before it
returned: that is also the order in which they take their locks, the job's first, then the
search's, then the round's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from hpsearch.store import many
from hpsearch.store.clock import now
from hpsearch.store.statements import BEST_SO_FAR, COUNTED_ROUND, COUNTING, REPORTED, bind
from hpsearch.store.tables import dataset_content, event, round_, search, trial


@cache
def claim(single: sa.Update) -> sa.Select[Any]:
    """`single` claims a job; with it its event, its search's turn, and all there is to train.

    `tasks` is a list of [index, params, role, cohort] by index.
    """
    claimed = single.cte("claimed")
    served = (
        search.update()
        .where(search.c.id == claimed.c.search_id)
        .values(revision=search.c.revision + 1, served_at=now())
        .returning(search.c.id, search.c.spec, search.c.dataset_digest)
        .cte("served")
    )
    info = sa.select(dataset_content.c.info).where(
        dataset_content.c.digest == served.c.dataset_digest
    )
    rungs = sa.select(round_.c.rungs).where(
        round_.c.search_id == claimed.c.search_id, round_.c.number == claimed.c.round
    )
    tasks = _tasks(trial.c.job_id == bind("a_job", trial.c.job_id))
    query = sa.select(
        *claimed.c,
        served.c.spec,
        info.scalar_subquery().label("info"),
        rungs.scalar_subquery().label("rungs"),
        tasks.scalar_subquery().label("tasks"),
    )
    return query.where(served.c.id == claimed.c.search_id).add_cte(_recorded(claimed))


@cache
def claim_beside(further: sa.Update) -> sa.Select[Any]:
    """`further` claims more jobs of a round; with each its event, and its `tasks` as above."""
    claimed = further.cte("claimed")
    tasks = _tasks(trial.c.job_id == claimed.c.id).correlate(claimed).scalar_subquery()
    query = sa.select(
        claimed.c.id, claimed.c.attempt, claimed.c.epochs, tasks.label("tasks")
    ).order_by(claimed.c.number)
    return query.add_cte(_recorded(claimed, claimed.c.id, claimed.c.attempt))


@cache
def finish(ending: sa.Update) -> sa.Select[Any]:
    """`ending` ends one job or more of a round; with them their trials, events, and all that is counted.

    Answers with the number of jobs, the round's open ones and the best so far of search and round,
    under their locks, and with no row where `ending` changes nothing. The trials' ends are in `rows_`.
    """
    finished = ending.cte("finished")
    # Counted first, so that all jobs are locked before their search.
    together = (
        sa.select(
            finished.c.search_id, finished.c.kind, finished.c.round, sa.func.count().label("n")
        )
        .group_by(finished.c.search_id, finished.c.kind, finished.c.round)
        .cte("together")
    )
    trials = many.update(trial, (trial.c.job_id == finished.c.id,), trial.c.idx, REPORTED)
    touched = (
        search.update()
        .where(search.c.id == together.c.search_id)
        .values(revision=search.c.revision + 1)
        .returning(search.c.id, *BEST_SO_FAR)
        .cte("touched")
    )
    counted = (
        round_.update()
        .where(round_.c.search_id == touched.c.id, round_.c.number == together.c.round)
        .values(COUNTING)
        .returning(round_.c.search_id, *COUNTED_ROUND)
        .cte("counted")
    )
    query = sa.select(
        *together.c,
        *(touched.c[c.name] for c in BEST_SO_FAR),
        *(counted.c[c.name] for c in COUNTED_ROUND),
    ).where(touched.c.id == together.c.search_id, counted.c.search_id == touched.c.id)
    several = (finished.c[name] for name in ("attempt", "detail") if name in finished.c)
    return query.add_cte(trials.cte("trials"), _recorded(finished, finished.c.id, *several))


def _tasks(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The trials of a job as a list of [index, params, role, cohort] by index."""
    task = sa.func.json_build_array(trial.c.idx, trial.c.params, trial.c.role, trial.c.cohort)
    tasks = sa.func.json_agg(aggregate_order_by(task, trial.c.idx), type_=sa.JSON())
    return sa.select(tasks).where(which)


_A_JOB = bind("a_job", event.c.job_id)
_AN_ATTEMPT = bind("an_attempt", event.c.attempt)
_A_DETAIL = bind("a_detail", event.c.detail)


def _recorded(
    changed: sa.CTE,
    job_id: sa.ColumnElement[Any] = _A_JOB,
    attempt: sa.ColumnElement[Any] = _AN_ATTEMPT,
    detail: sa.ColumnElement[Any] = _A_DETAIL,
) -> sa.CTE:
    """The event of each job that the statement has changed."""
    values = {
        "at": now(),
        "kind": bind("a_kind", event.c.kind),
        "search_id": changed.c.search_id,
        "job_id": job_id,
        "attempt": attempt,
        "detail": detail,
    }
    row = sa.select(*values.values()).select_from(changed)
    return event.insert().from_select([*values], row, include_defaults=False).cte("recorded")
