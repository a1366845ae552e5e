"""Invariants of searches: they end, they advance once, they choose once, to the same digest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from hpsearch.coordinator import Snapshot, decide
from hpsearch.records import EventRecord, JobRecord, Recommended, SearchRecord
from hpsearch.report import digest
from hpsearch.trials import FinalPlan
from support.checker.history import History
from support.checker.queue import OPEN_JOBS, TERMINAL, trial_name

ENDED = ("completed", "failed", "cancelled")
PLANNED = ("advanced", "final_frozen")
# The search's state after an event of its own, where that does not depend on what was before.
AFTER = {
    "submitted": "queued",
    "advanced": "running",
    "final_frozen": "finalizing",
    "finalizing": "finalizing",
    "paused": "paused",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}
FROM = {
    "submitted": (None,),
    "advanced": ("queued", "running"),
    "final_frozen": ("running",),
    "finalizing": ("failed",),
    "paused": ("queued", "running"),
    "resumed": ("paused",),
    "edited": ("queued", "running", "paused"),
    "completed": ("finalizing",),
    "failed": ("queued", "running", "finalizing"),
    "cancelled": ("queued", "running", "paused", "finalizing"),
    "deleted": ENDED,
    "test_opened": ("completed",),  # a replay
    # Of an earlier end, where a final test that failed is run again meanwhile.
    "webhook_delivered": (*ENDED, "finalizing"),
    "webhook_given_up": (*ENDED, "finalizing"),
}


def i1_ended(seen: History) -> Iterator[str]:
    """Every search has ended, and nothing of it is queued or running."""
    for s in seen.searches.values():
        if s.state not in ENDED:
            yield f"search {s.id} is still {s.state}"
        if (s.finished_at is None) == (s.state in ENDED):
            yield f"search {s.id} is {s.state}, and its finished_at is {s.finished_at}"
    for j in seen.jobs.values():
        if j.state in OPEN_JOBS:
            yield f"job {j.id} of search {j.search_id} is still {j.state}"
    for t in seen.trials:
        owner = seen.jobs.get(t.job_id)
        kept = owner is not None and (owner.kind, owner.state) == ("final", "failed")
        if t.state == "pending" and not kept:
            yield f"{trial_name(t)} is still pending"


def i5_advanced_once(seen: History) -> Iterator[str]:
    """Rounds follow one another, each made once, and only after the one before has ended."""
    for search_id, events in seen.search_events.items():
        made = [(e.detail["round"], e) for e in events if e.kind in ("advanced", "final_frozen")]
        for number, count in Counter(n for n, _ in made).items():
            if count > 1:
                yield f"search {search_id} advanced {count} times to round {number}"
        if search_id in seen.deleted:
            continue
        rows = [r.number for r in seen.rounds_of[search_id]]
        told = sorted({n for n, _ in made})
        last = seen.searches[search_id].round if search_id in seen.searches else 0
        if not rows == told == list(range(1, last + 1)):
            yield f"search {search_id} is in round {last}, has rounds {rows} and advanced to {told}"
        for number, e in made:
            yield from _in_turn(seen, search_id, number, e)


def _in_turn(seen: History, search_id: str, number: int, made: EventRecord) -> Iterator[str]:
    """The round before is over when this one is made, and nobody claims from it earlier."""
    before = [
        e.id
        for j in seen.jobs_of[search_id, number - 1]
        for e in seen.events_of(j)
        if e.kind in TERMINAL
    ]
    here = [
        e.id
        for j in seen.jobs_of[search_id, number]
        for e in seen.events_of(j)
        if e.kind == "claimed"
    ]
    if before and made.id < max(before):
        yield f"search {search_id}: round {number} was made before round {number - 1} had ended"
    if here and min(here) < max([made.id, *before]):
        yield f"search {search_id}: a job of round {number} was claimed too early"


def i6_chosen_once(seen: History, *, replan: bool) -> Iterator[str]:
    """One final, frozen before the test part is opened, with the parameters decided anew."""
    for s in seen.searches.values():
        finals = seen.final(s.id)
        frozen = [e for e in seen.search_events[s.id] if e.kind == "final_frozen"]
        if len(finals) != len(frozen) or len(finals) > 1:
            yield f"search {s.id} has {len(finals)} final jobs, frozen {len(frozen)} times"
        if s.state == "completed" and not (finals and finals[0].state == "done"):
            yield f"search {s.id} is completed without a final test that is done"
        for final in finals[:1]:
            yield from _tested(seen, s, final)
            if replan:
                yield from _as_decided(seen, s, final)
    yield from _sealed(seen)


def _tested(seen: History, s: SearchRecord, final: JobRecord) -> Iterator[str]:
    openings = [e.attempt for e in seen.events_of(final) if e.kind == "test_opened"]
    for attempt, count in Counter(openings).items():
        if count > 1:
            yield f"search {s.id}: attempt {attempt} of the final is counted as {count} openings"
    if final.state == "done" and final.attempt not in openings:
        yield f"search {s.id}: the final was done by an attempt that never opened the test part"
    for t in seen.members[final.id]:
        scored = t.test_correct is not None
        if t.state == "completed" and final.state == "done" and not scored:
            yield f"{trial_name(t)} is a completed final model without a test score"
        if final.state != "done" and scored:
            yield f"{trial_name(t)} has a test score, and its final is {final.state}"


def _sealed(seen: History) -> Iterator[str]:
    for t in seen.trials:
        owner = seen.jobs.get(t.job_id)
        exploring = owner is not None and owner.kind != "final"
        if exploring and (t.test_correct is not None or t.test_examples is not None):
            yield f"{trial_name(t)} has a test score, and it is no final model"
    for j in seen.jobs.values():
        if j.kind != "final" and any(e.kind == "test_opened" for e in seen.events_of(j)):
            yield f"job {j.id} opened the test part, and it is no final"


def _as_decided(seen: History, s: SearchRecord, final: JobRecord) -> Iterator[str]:
    """The frozen final is what the coordinator decides from the rows as they are."""
    rounds = list(seen.rounds_of[s.id])
    trials = [t for t in seen.trials if t.search_id == s.id]
    done = final.round - 1
    evidence = rounds[done - 1].evidence
    seconds = None if evidence is None else evidence.seconds
    now = Snapshot.of(s, rounds, trials, after=done, seconds=seconds)
    plan = decide(now, job_size=1)
    if not isinstance(plan, FinalPlan):
        yield f"search {s.id}: a final is frozen, but decided anew it is no time for one"
        return
    stored = [t.params for t in seen.trials_of[s.id, final.round]]
    if stored != [dict(p) for p in plan.trials]:
        yield f"search {s.id}: the final's parameters {stored} are not the ones decided anew"
    anew = Recommended.of(plan.recommended)
    if s.recommended != anew:
        yield f"search {s.id}: recommends {s.recommended}, decided anew {anew}"


def digest_of(seen: History, s: SearchRecord) -> str | None:
    """The digest of a completed search from its raw rows; None where it must be withheld."""
    jobs = [j for j in seen.jobs.values() if j.search_id == s.id]
    plans = [e for e in seen.events if e.search_id == s.id and e.kind in PLANNED]
    told = [*(j.fingerprint for j in jobs), *((e.detail or {}).get("fingerprint") for e in plans)]
    why = digest.withheld(
        [fingerprint for fingerprint in told if fingerprint is not None],
        sum(j.state == "failed" for j in jobs),
        s.resolved().spec.max_seconds,
        rules=s.rules,
    )
    if s.state != "completed" or why is not None:
        return None
    return digest_of_rows(seen, s)


def digest_of_rows(seen: History, s: SearchRecord) -> str:
    """The digest that a completed search would have, whatever withholds it."""
    own = (t for t in seen.trials if t.search_id == s.id)
    lines = digest.trial_lines(own, digest.covered(s.resolved()))
    return digest.search_digest(s, lines, seen.final(s.id)[0].ensemble_correct)


def i7_same_digest(seen: History, expected: Mapping[str, str | None]) -> Iterator[str]:
    """The stored digest is that of the rows, and that of the run without faults."""
    for s in seen.searches.values():
        found = digest_of(seen, s)
        if s.digest != found:
            yield f"search {s.id} stores digest {s.digest}, its rows give {found}"
        for key in (s.id, s.name):
            if key in expected and expected[key] != found:
                yield f"search {s.id} ({s.name}) gives digest {found}, not {expected[key]}"
    known = {s.id for s in seen.searches.values()} | {s.name for s in seen.searches.values()}
    for key in expected.keys() - known:
        yield f"search {key}, whose digest is known, is not there"


def i13_searches_follow_their_history(seen: History) -> Iterator[str]:
    """Every move of a search is one that docs/states.md draws, and its row is where they lead."""
    for search_id, events in seen.search_events.items():
        state, rounds = None, 0
        for e in events:
            if state not in FROM.get(e.kind, ()):
                yield f"search {search_id}: {e.kind} while {state}"
            rounds += e.kind == "advanced"
            state = _next(e, state, rounds)
        s = seen.searches.get(search_id)
        if s is not None and s.state != state:
            yield f"search {search_id}: its history leads to {state}, its row says {s.state}"


def i14_ends_are_told(seen: History) -> Iterator[str]:
    """A search with a webhook owes one delivery for each of its ends, another one none."""
    for s in seen.searches.values():
        ends = Counter(e.kind for e in seen.search_events[s.id] if e.kind in ENDED)
        owed = Counter(d.state for d in seen.deliveries if d.search_id == s.id)
        if owed != (ends if s.webhook else Counter()):
            yield f"search {s.id} ended as {dict(ends)} and owes {dict(owed)}"


def _next(e: EventRecord, state: str | None, rounds: int) -> str | None:
    if e.kind == "resumed":
        return "running" if rounds else "queued"
    return AFTER.get(e.kind, state)
