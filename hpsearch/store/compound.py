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
    task = sa.func.json_build_array(trial.c.idx, trial.c.params, trial.c.role, trial.c.cohort)
    tasks = sa.select(
        sa.func.json_agg(aggregate_order_by(task, trial.c.idx), type_=sa.JSON())
    ).where(trial.c.job_id == bind("a_job", trial.c.job_id))
    query = sa.select(
        *claimed.c,
        served.c.spec,
        info.scalar_subquery().label("info"),
        rungs.scalar_subquery().label("rungs"),
        tasks.scalar_subquery().label("tasks"),
    )
    return query.where(served.c.id == claimed.c.search_id).add_cte(_recorded(claimed))


@cache
def finish(single: sa.Update) -> sa.Select[Any]:
    """`single` ends a job; with it its trials, its event, and what search and round count.

    Answers with the round's open jobs and the best so far of search and round, under their
    locks, and with no row where `single` changes nothing. The trials' ends are in `rows_`.
    """
    finished = single.cte("finished")
    trials = many.update(trial, (trial.c.job_id == finished.c.id,), trial.c.idx, REPORTED)
    touched = (
        search.update()
        .where(search.c.id == finished.c.search_id)
        .values(revision=search.c.revision + 1)
        .returning(search.c.id, *BEST_SO_FAR)
        .cte("touched")
    )
    counted = (
        round_.update()
        .where(round_.c.search_id == touched.c.id, round_.c.number == finished.c.round)
        .values(COUNTING)
        .returning(round_.c.search_id, *COUNTED_ROUND)
        .cte("counted")
    )
    query = sa.select(
        finished.c.search_id,
        finished.c.kind,
        finished.c.round,
        *(touched.c[c.name] for c in BEST_SO_FAR),
        *(counted.c[c.name] for c in COUNTED_ROUND),
    ).where(touched.c.id == finished.c.search_id, counted.c.search_id == touched.c.id)
    return query.add_cte(trials.cte("trials"), _recorded(finished))


def _recorded(changed: sa.CTE) -> sa.CTE:
    """The event of a job that the statement has changed."""
    values = {
        "at": now(),
        "kind": bind("a_kind", event.c.kind),
        "search_id": changed.c.search_id,
        "job_id": bind("a_job", event.c.job_id),
        "attempt": bind("an_attempt", event.c.attempt),
        "detail": bind("a_detail", event.c.detail),
    }
    row = sa.select(*values.values()).select_from(changed)
    return event.insert().from_select([*values], row, include_defaults=False).cte("recorded")
