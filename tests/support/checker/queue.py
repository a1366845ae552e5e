"""Invariants of jobs and trials: none lost, none counted twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hpsearch.records import JobRecord, TrialRecord
from support.checker.history import History

OPEN_JOBS = ("queued", "running")
TRAINED = ("completed", "stopped", "diverged", "failed")  # what trials of a done job can be
ENDS = ("done", "lost", "returned", "failed", "cancelled")  # events that end an attempt
TERMINAL = ("done", "failed", "cancelled")  # events that end a job


def i2_each_row_once(seen: History) -> Iterator[str]:
    """Every job and trial of the history stands in exactly one row, complete."""
    for round_ in seen.rounds:
        where = f"search {round_.search_id} round {round_.number}"
        place = (round_.search_id, round_.number)
        jobs, trials = seen.jobs_of[place], seen.trials_of[place]
        if sorted(t.idx for t in trials) != list(range(round_.planned)):
            yield f"{where}: {round_.planned} trials are planned, the rows hold {len(trials)}"
        numbers = sorted(j.number for j in jobs)
        if numbers != list(range(len(jobs))):
            yield f"{where}: its jobs are numbered {numbers}"
        for j in jobs:
            if j.kind != round_.kind:
                yield f"job {j.id} is of kind {j.kind} in the {round_.kind} round of {where}"
        made = [
            e.detail
            for e in seen.search_events[round_.search_id]
            if e.kind in ("advanced", "final_frozen") and e.detail["round"] == round_.number
        ]
        for detail in made[:1]:
            was, now = (detail["jobs"], detail["trials"]), (len(jobs), len(trials))
            if was != now:
                yield f"{where}: (jobs, trials) {was} were made, {now} are there"
    yield from _members(seen)


def _members(seen: History) -> Iterator[str]:
    for t in seen.trials:
        owner = seen.jobs.get(t.job_id)
        if owner is None or (owner.search_id, owner.round) != (t.search_id, t.round):
            yield f"{trial_name(t)} belongs to job {t.job_id}, which is not of its round"
    for j in seen.jobs.values():
        members = seen.members[j.id]
        if len(members) != j.trials:
            yield f"job {j.id} has {j.trials} trials, the rows hold {len(members)}"
        allowed = _states(j)
        for t in members:
            if t.state not in allowed:
                yield f"{trial_name(t)} is {t.state} in job {j.id}, which is {j.state}"


def _states(job: JobRecord) -> tuple[str, ...]:
    """States that the trials of a job may have."""
    if job.state == "done":
        return TRAINED
    if job.state == "failed":
        return ("pending",) if job.kind == "final" else ("failed",)
    return ("cancelled",) if job.state == "cancelled" else ("pending",)


def i3_done_once(seen: History) -> Iterator[str]:
    """A done job has one done event, of the attempt in its row; any other job has none."""
    for (_, job_id), events in seen.job_events.items():
        attempts = [e.attempt for e in events if e.kind == "done"]
        if len(attempts) > 1:
            yield f"job {job_id} was finished {len(attempts)} times, by attempts {attempts}"
    for j in seen.jobs.values():
        attempts = [e.attempt for e in seen.events_of(j) if e.kind == "done"]
        if j.state != "done":
            if attempts:
                yield f"job {j.id} is {j.state}, but attempts {attempts} finished it"
            continue
        if not attempts:
            yield f"job {j.id} is done without a done event"
        elif not attempts[-1] == j.attempt == j.done_attempt:
            yield (
                f"job {j.id}: attempt {attempts[-1]} finished it, its row says attempt "
                f"{j.attempt}, done by {j.done_attempt}"
            )


def i4_claimed_once(seen: History) -> Iterator[str]:
    """No attempt is claimed twice, and only who claimed it ends it."""
    for (_, job_id), events in seen.job_events.items():
        claims = Counter(e.attempt for e in events if e.kind == "claimed")
        for attempt, count in claims.items():
            if count > 1:
                yield f"job {job_id} attempt {attempt} was claimed {count} times"
        workers = {e.attempt: e.detail["worker_run"] for e in events if e.kind == "claimed"}
        for e in events:
            if e.kind in ("done", "lost", "failed") and e.attempt not in workers:
                yield f"job {job_id} attempt {e.attempt} was {e.kind} without a claim"
            elif e.kind == "done" and e.detail["worker_run"] != workers[e.attempt]:
                yield (
                    f"job {job_id} attempt {e.attempt} was claimed by {workers[e.attempt]} "
                    f"and finished by {e.detail['worker_run']}"
                )


@dataclass
class Life:
    """A job as its history leaves it."""

    state: str = "queued"
    attempt: int = 1
    losses: int = 0
    done_attempt: int | None = None
    openings: int = 0
    wrong: str | None = None

    def take(self, kind: str, attempt: int) -> None:
        """One event."""
        allowed = {
            "claimed": ("queued",),
            "done": ("running",),
            "lost": ("running",),
            "returned": ("running",),
            "failed": ("running",),
            "test_opened": ("running",),
            "cancelled": OPEN_JOBS,
            "requeued": ("failed",),
        }[kind]
        expected = self.attempt + (kind == "requeued")
        if self.state not in allowed or attempt != expected:
            self.wrong = self.wrong or (
                f"{kind} at attempt {attempt} while {self.state} at attempt {self.attempt}"
            )
        if kind in ("lost", "failed"):
            self.losses += 1
        if kind == "requeued":
            self.losses = 0
        self.attempt = attempt + (kind in ("lost", "returned"))
        self.done_attempt = attempt if kind == "done" else self.done_attempt
        self.openings += kind == "test_opened"
        self.state = AFTER.get(kind, self.state)


AFTER = {
    "claimed": "running",
    "done": "done",
    "lost": "queued",
    "returned": "queued",
    "failed": "failed",
    "cancelled": "cancelled",
    "requeued": "queued",
}


def life(events: Any) -> Life:
    """What a job's events make of it; the fenced ones change nothing."""
    made = Life()
    for e in events:
        if e.kind != "fenced":
            made.take(e.kind, e.attempt)
    return made


def i13_jobs_follow_their_history(seen: History) -> Iterator[str]:
    """Every move of a job is one that docs/states.md draws, and its row is where they lead."""
    for (_, job_id), events in seen.job_events.items():
        wrong = life(events).wrong
        if wrong:
            yield f"job {job_id}: {wrong}"
    for j in seen.jobs.values():
        made = life(seen.events_of(j))
        told = (made.state, made.attempt, made.losses, made.done_attempt, made.openings)
        rows = (j.state, j.attempt, j.losses, j.done_attempt, j.openings)
        if told != rows:
            yield (
                f"job {j.id}: its history leads to (state, attempt, losses, done by, openings) "
                f"{told}, its row says {rows}"
            )


def trial_name(t: TrialRecord) -> str:
    """How a sentence names a trial."""
    return f"trial {t.search_id} {t.round}-{t.idx}"
