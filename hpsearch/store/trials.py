"""Rounds, decisions and trials as they are read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hpsearch.records import DecisionRecord, Reported, RoundRecord, TrialRecord
from hpsearch.space import Params, params_from_json
from hpsearch.store.constants import constant
from hpsearch.store.queries import Queries, columns
from hpsearch.store.statements import bind
from hpsearch.store.tables import decision, job, round_, trial
from hpsearch.trials import OBSERVED, JobState, TrialState

ROUND = columns(RoundRecord, round_)
COUNTS = ROUND[:-1]  # without the evidence, which may be large
TRIAL = columns(TrialRecord, trial)
CURVED, LIGHT = TRIAL[:-1], TRIAL[:-2]  # without the answers; without the curve as well
_CURVED, _LIGHT = sa.select(*CURVED), sa.select(*LIGHT)

_ROUNDS = (
    sa.select(*ROUND)
    .where(round_.c.search_id == bind("a_search", round_.c.search_id))
    .order_by(round_.c.number)
)
_COUNTS = (
    sa.select(*COUNTS)
    .where(round_.c.search_id.in_(sa.bindparam("searches", expanding=True)))
    .order_by(round_.c.number)
)
_RUNNING = (
    sa.select(job.c.search_id, job.c.round, sa.func.sum(job.c.trials))
    .where(
        job.c.search_id.in_(sa.bindparam("searches", expanding=True)),
        job.c.state == constant(JobState.RUNNING),
    )
    .group_by(job.c.search_id, job.c.round)
)
_DECISIONS = (
    sa.select(*columns(DecisionRecord, decision))
    .where(decision.c.search_id == bind("a_search", decision.c.search_id))
    .order_by(decision.c.round, decision.c.name)
)


class Trials(Queries):
    """Questions about what rounds have drawn, trained and decided."""

    def rounds(self, search_id: str) -> Sequence[RoundRecord]:
        """The rounds of a search in order, with their evidence."""
        return self.all(RoundRecord, _ROUNDS, a_search=search_id)

    def rounds_of(self, ids: Sequence[str]) -> Mapping[str, Sequence[RoundRecord]]:
        """The rounds of searches, by search and in order, without their evidence."""
        rounds: dict[str, list[RoundRecord]] = {search_id: [] for search_id in ids}
        for record in self.all(RoundRecord, _COUNTS, searches=ids):
            rounds[record.search_id].append(record)
        return rounds

    def running(self, ids: Sequence[str]) -> Mapping[str, Mapping[int, int]]:
        """Trials in running jobs, by search and round."""
        counts: dict[str, dict[int, int]] = {search_id: {} for search_id in ids}
        for search_id, number, trials in self.connection.execute(_RUNNING, {"searches": ids}):
            counts[search_id][number] = int(trials)
        return counts

    def decisions(self, search_id: str) -> Sequence[DecisionRecord]:
        """Every decision of a search in order of round and name."""
        return self.all(DecisionRecord, _DECISIONS, a_search=search_id)

    def of(self, search_id: str) -> Sequence[TrialRecord]:
        """Every trial of a search by round and index."""
        query = sa.select(*TRIAL).where(trial.c.search_id == search_id)
        return self.all(TrialRecord, query.order_by(trial.c.round, trial.c.idx))

    def full_trainings(self, search_id: str, *, epochs: int, limit: int) -> Sequence[TrialRecord]:
        """Trials that were trained for all `epochs`, the newest first, the final's left out."""
        query = (
            sa.select(*TRIAL)
            .where(
                trial.c.search_id == search_id,
                trial.c.role.is_(None),
                trial.c.state == TrialState.COMPLETED,
                trial.c.epochs == epochs,
            )
            .order_by(trial.c.round.desc(), trial.c.idx.desc())  # the key, read backwards
            .limit(limit)
        )
        return self.all(TrialRecord, query)

    def tried(self, search_id: str, names: Sequence[str]) -> Sequence[Params]:
        """Values for `names` of trials that have ended, the final's left out: each set once."""
        # Not SQLAlchemy's index of a JSON column: SQLite's function behind it makes true a 1.
        params = sa.type_coerce(trial.c.params, sa.Text)
        as_text = [sa.cast(params.op("->")(sa.literal(name, sa.Text)), sa.Text) for name in names]
        rows = self.connection.execute(_observed(as_text, search_id).distinct())
        return [
            params_from_json(
                {n: json.loads(text) for n, text in zip(names, row, strict=True) if text}
            )
            for row in rows
        ]

    def having(self, search_id: str, names: Sequence[str]) -> Mapping[str, int]:
        """For each of `names` how many trials that have ended had a value of it, the final's left out."""
        params = sa.type_coerce(trial.c.params, sa.Text)
        counts = [sa.func.count(params.op("->")(sa.literal(name, sa.Text))) for name in names]
        row = self.connection.execute(_observed(counts, search_id)).one()
        return dict(zip(names, row, strict=True))

    def observed(self, search_id: str, *, best: bool, limit: int) -> Sequence[TrialRecord]:
        """Trials that have ended, the final's left out: the best by score, or the newest."""
        query = _observed(CURVED, search_id)
        if best:
            query = query.where(trial.c.score.is_not(None)).order_by(trial.c.score.desc())
        query = query.order_by(trial.c.round.desc(), trial.c.idx.desc()).limit(limit)
        return self.all(TrialRecord, query)

    def best_and_newest(self, search_id: str, *, limit: int) -> Sequence[TrialRecord]:
        """Half of so many trials the best of those that have ended, half the newest, once each."""
        rows = [
            *self.observed(search_id, best=True, limit=limit // 2),
            *self.observed(search_id, best=False, limit=limit // 2),
        ]
        return list({(t.round, t.idx): t for t in rows}.values())

    def sampled(self, search_id: str, *, every: int, limit: int) -> Sequence[TrialRecord]:
        """Trials that have ended, the final's left out: of each round every so many-th one."""
        query = _observed(LIGHT, search_id).where(trial.c.idx % every == 0)
        query = query.order_by(trial.c.round, trial.c.idx).limit(limit)
        return self.all(TrialRecord, query)

    def failed(self, search_id: str, *, limit: int) -> Sequence[TrialRecord]:
        """Trials that could not be trained, the final's left out."""
        query = sa.select(*LIGHT).where(
            trial.c.search_id == search_id,
            trial.c.role.is_(None),
            trial.c.state == TrialState.FAILED,
        )
        return self.all(TrialRecord, query.order_by(trial.c.round, trial.c.idx).limit(limit))

    def reported(self, search_id: str) -> Reported:
        """The facts beside scores that were reported for trials of a search."""
        mine = trial.c.search_id == search_id
        costs = sa.or_(trial.c.cost.is_not(None), trial.c.cost_before.is_not(None))
        query = sa.select(trial.c.metrics).where(mine, trial.c.metrics.is_not(None))
        names = {name for metrics in self.connection.execute(query).scalars() for name in metrics}

        def any_has(condition: sa.ColumnElement[bool]) -> bool:
            return self.exists(sa.select(trial.c.idx).where(mine, condition))

        return Reported(
            sorted(names),
            any_has(costs),
            any_has(trial.c.note.is_not(None)),
            any_has(trial.c.link.is_not(None)),
            any_has(trial.c.replicates.is_not(None)),
        )

    def page(
        self,
        search_id: str,
        *,
        number: int | None,
        state: str | None,
        curve: bool,
        limit: int,
        after: tuple[int, int] | None,
    ) -> Sequence[TrialRecord]:
        """Trials in order of (round, index), behind the place `after`.

        Their learning curves are left out unless `curve` asks for them.
        """
        query, place = (
            _filtered(search_id, number, state, curve=curve),
            (trial.c.round, trial.c.idx),
        )
        if after is not None:
            query = query.where(sa.tuple_(*place) > sa.tuple_(*after))
        return self._timed(query.order_by(*place).limit(limit))

    def best_page(
        self,
        search_id: str,
        *,
        number: int | None,
        state: str | None,
        curve: bool,
        limit: int,
        after: tuple[float | None, int, int] | None,
        by_score: bool = False,
    ) -> Sequence[TrialRecord]:
        """Trials by falling (rank value, round, index), those without a rank value last.

        `by_score` takes the score by the objective in its place, which has no index.

        Two queries where one page has both: each walks the index, and the databases need not
        agree on the place of NULL in an order.
        """
        place = (trial.c.round, trial.c.idx)
        rank = trial.c.score if by_score else trial.c.rank_value
        key = (rank, *place)
        query = _filtered(search_id, number, state, curve=curve)
        query = query.order_by(*(column.desc() for column in key))
        ranked = query.where(rank.is_not(None))
        unranked = query.where(rank.is_(None))
        page: list[TrialRecord] = []
        if after is None or after[0] is not None:
            if after is not None:
                ranked = ranked.where(sa.tuple_(*key) < sa.tuple_(*after))
            page = self._timed(ranked.limit(limit))
        else:
            unranked = unranked.where(sa.tuple_(*place) < sa.tuple_(*after[1:]))
        if len(page) < limit:
            page += self._timed(unranked.limit(limit - len(page)))
        return page

    def _timed(self, query: sa.Select[Any]) -> list[TrialRecord]:
        """The trials of a query, each with the times of its job."""
        timed = query.join(job, job.c.id == trial.c.job_id).add_columns(
            job.c.claimed_at, job.c.finished_at
        )
        return [
            TrialRecord(*row, started_at=start, finished_at=end)  # type: ignore[misc]  # the row ends before them
            for *row, start, end in self.connection.execute(timed)
        ]


def _observed(selected: Sequence[sa.ColumnElement[Any]], search_id: str) -> sa.Select[Any]:
    return sa.select(*selected).where(
        trial.c.search_id == search_id, trial.c.role.is_(None), trial.c.state.in_(OBSERVED)
    )


def _filtered(
    search_id: str, number: int | None, state: str | None, *, curve: bool
) -> sa.Select[Any]:
    query = (_CURVED if curve else _LIGHT).where(trial.c.search_id == search_id)
    if number is not None:
        query = query.where(trial.c.round == number)
    return query if state is None else query.where(trial.c.state == state)
