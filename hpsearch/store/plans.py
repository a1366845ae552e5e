"""Writing what the coordinator decided: the next round with its jobs and trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hpsearch import reasons
from hpsearch.records import Recommended, SearchRecord
from hpsearch.space import box_to_json
from hpsearch.spec import schedule
from hpsearch.store.clock import now
from hpsearch.store.queries import Queries
from hpsearch.store.statements import TIME
from hpsearch.store.tables import decision, event, job, round_, search, trial
from hpsearch.trials import (
    Decision,
    JobState,
    RoundKind,
    SearchState,
    TrainingPlan,
    TrialState,
)

ADVANCED, FROZEN = "advanced", "final_frozen"  # the events of a plan that was written


class Plans(Queries):
    """Writes a plan in one transaction; whoever comes second writes nothing."""

    def apply(
        self,
        basis: SearchRecord,
        plan: TrainingPlan,
        *,
        deadlines: Sequence[float],
        fingerprint: Mapping[str, str],
    ) -> bool:
        """Write a plan, unless the search has moved on since `basis` was read.

        Parameters
        ----------
        basis
            The search as the decision knew it.
        deadlines
            Seconds that each job of the plan may take.
        fingerprint
            The numeric fingerprint of the process that decided.
        """
        unmoved = sa.and_(
            search.c.id == basis.id,
            search.c.state == basis.state,
            search.c.round == basis.round,
            search.c.revision == basis.revision,
        )
        if not self.changed(search.update().where(unmoved).values(_moved_on(plan))):
            return False
        self._insert_decisions(basis.id, basis.round, plan.decisions)
        if plan.evidence is not None:
            self.connection.execute(
                round_.update()
                .where(round_.c.search_id == basis.id, round_.c.number == basis.round)
                .values(evidence=plan.evidence)
            )
        self.connection.execute(
            round_.insert().values(search_id=basis.id, created_at=now(), **_round(plan))
        )
        ids = self._insert_jobs(basis.id, plan, deadlines)
        self._insert_trials(basis.id, plan, ids)
        made = {"round": plan.number, "jobs": len(plan.jobs), "trials": len(plan.trials)}
        why = {} if plan.reason is None else {"reason": reasons.words(plan.reason)}
        self.record(
            FROZEN if plan.kind is RoundKind.FINAL else ADVANCED,
            search_id=basis.id,
            detail={**made, **why, "fingerprint": dict(fingerprint)},
        )
        return True

    def end_of_exploring(self, search_id: str) -> str | None:
        """Why exploring ended, as it was said when the final test was planned; None of early versions."""
        query = sa.select(event.c.detail["reason"]).where(
            event.c.search_id == search_id, event.c.kind == FROZEN
        )
        reason: str | None = self.connection.execute(query).scalar()
        return reason

    def deciders(self, search_id: str) -> Sequence[Mapping[str, str]]:
        """The numeric fingerprints under which a search's plans were made."""
        query = sa.select(event.c.detail["fingerprint"]).where(
            event.c.search_id == search_id, event.c.kind.in_((ADVANCED, FROZEN))
        )
        # Early versions noted none.
        return [made for made in self.connection.execute(query).scalars() if made is not None]

    def _insert_decisions(self, search_id: str, number: int, decisions: Sequence[Decision]) -> None:
        if not decisions:
            return
        boxes = [box_to_json({"before": d.before, "after": d.after}) for d in decisions]
        self.connection.execute(
            decision.insert(),
            [
                {
                    "search_id": search_id,
                    "round": number,
                    "name": d.name,
                    **both,
                    "verdict": d.verdict,
                    "reason": reasons.words(d.reason),
                    "facts": reasons.to_json(d.reason),
                    "numbers": dict(d.numbers),
                }
                for d, both in zip(decisions, boxes, strict=True)
            ],
        )

    def _insert_jobs(
        self, search_id: str, plan: TrainingPlan, deadlines: Sequence[float]
    ) -> Sequence[int]:
        """The ids of the plan's jobs, in order."""
        made = self.connection.execute(TIME).scalar_one()
        rows = [
            {
                "search_id": search_id,
                "kind": plan.kind,
                "round": plan.number,
                "number": number,
                "state": JobState.QUEUED,
                "trials": len(members),
                "epochs": plan.epochs,
                "deadline_seconds": deadline,
                "created_at": made,
            }
            for number, (members, deadline) in enumerate(zip(plan.jobs, deadlines, strict=True))
        ]
        statement = job.insert().returning(job.c.id, sort_by_parameter_order=True)
        return self.connection.execute(statement, rows).scalars().all()

    def _insert_trials(self, search_id: str, plan: TrainingPlan, ids: Sequence[int]) -> None:
        cohort = {i: k for k, members in enumerate(plan.cohorts) for i in members}
        self.dialect.insert_many(
            self.connection,
            trial,
            [
                {
                    "search_id": search_id,
                    "round": plan.number,
                    "idx": index,
                    "job_id": job_id,
                    "cohort": cohort[index],
                    "role": plan.roles[index],
                    "state": TrialState.PENDING.value,
                    "params": dict(plan.trials[index]),
                }
                for job_id, members in zip(ids, plan.jobs, strict=True)
                for index in members
            ],
        )


def _moved_on(plan: TrainingPlan) -> dict[str, Any]:
    """The changes of a plan to the search's own row."""
    final = plan.kind is RoundKind.FINAL
    values: dict[str, Any] = {
        "state": SearchState.FINALIZING if final else SearchState.RUNNING,
        "round": plan.number,
        "revision": search.c.revision + 1,
        "started_at": sa.func.coalesce(search.c.started_at, now()),
    }
    if plan.reason is not None:
        values["reason"] = reasons.words(plan.reason)
    if plan.recommended is not None:
        values["recommended"] = Recommended.of(plan.recommended)
    return values


def _round(plan: TrainingPlan) -> dict[str, Any]:
    """The new round's row."""
    return {
        "number": plan.number,
        "kind": plan.kind,
        "epochs": plan.epochs,
        "rungs": list(plan.rungs),
        "epochs_planned": sum(schedule.cohort_epochs(len(c), plan.rungs) for c in plan.cohorts),
        "box": box_to_json(plan.box),
        "planned": len(plan.trials),
        "open_jobs": len(plan.jobs),
    }
