"""Edit, pause, resume, cancel and delete at any moment of the work, by owner and by stranger."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import rule
from machines.machine import OPEN, PICK, WORKING, QueueMachine, run
from support.bench import OWNER

from hpsearch.errors import Conflict, NotFound, Stale
from hpsearch.store.tables import decision, round_, trial
from hpsearch.trials import Hint

EDITABLE = ("queued", "running", "paused")
ENDED = ("completed", "failed", "cancelled")
# Which states each change starts from.
FROM = {
    "pause": ("queued", "running"),
    "resume": ("paused",),
    "cancel": (*EDITABLE, "finalizing"),
    "edit": EDITABLE,
    "delete": ENDED,
}


class InterleavedMachine(QueueMachine):
    """Two searches; whoever changes one of them never changes the other."""

    def __init__(self, worlds):
        super().__init__(worlds)
        self.use_cases = self.world.services.searches
        self.edits = dict.fromkeys(self.searches, 0)
        self.ids = list(self.searches)
        self.gone = set()

    def jobs_of(self, search_id):
        return [j for j in self.jobs.values() if j.search == search_id]

    @rule(
        pick=PICK,
        what=st.sampled_from(["pause", "resume", "edit", "edit"]),
        how=st.sampled_from(["plainly", "stale", "answer lost", "answer lost"]),
    )
    def change(self, pick, what, how):
        if how == "answer lost":
            self.world.commits.armed = "after"
        self.ask(self.ids[pick % len(self.ids)], what, stale=how == "stale")
        self.world.commits.armed = None

    @rule(pick=PICK, sure=st.integers(0, 2))
    def end(self, pick, sure):
        """Now and then a search is cancelled while a job of it runs, or is deleted."""
        if sure == 0:
            search_id = self.ids[pick % len(self.ids)]
            for job_id, job in list(self.jobs.items()):
                if job.search == search_id and not job_id % 2:
                    self.receive(Hint(job_id, job.attempt), f"run {self.runs} of {job_id}")
            self.ask(search_id, "cancel")
        if sure == 1:
            self.ask(self.ids[pick % len(self.ids)], "delete")

    def ask(self, search_id, what, *, stale=False):
        options = {"owner": OWNER}
        state = self.searches.get(search_id)
        if what == "edit":
            options["changes"] = {"rounds": 2 + self.edits[search_id] % 2}
        if stale and what != "delete" and state is not None:
            options["if_revision"] = 1
        call = getattr(self.use_cases, what)
        refusal = self.refusal(state, what, options)
        if refusal is not None:
            self.world.commits.armed = None
            with pytest.raises(refusal):
                call(search_id, **options)
            return
        call(search_id, **options)
        self.done(search_id, what)
        for job_id, job in list(self.jobs.items()):
            if job.search == search_id and what == "pause":
                self.receive(Hint(job_id, job.attempt), "too late")

    def refusal(self, state, what, options):
        if state is None:
            return NotFound
        if "if_revision" in options:
            return Stale  # everything that has advanced is past its first revision
        return None if state in FROM[what] else Conflict

    def done(self, search_id, what):
        jobs = self.jobs_of(search_id)
        if what == "edit":
            self.edits[search_id] += 1
        elif what == "delete":
            del self.searches[search_id]
            self.gone.add(search_id)
            self.jobs = {i: j for i, j in self.jobs.items() if j.search != search_id}
            self.held = [h for h in self.held if h.hint.job_id in self.jobs]
            self.answered = [h for h in self.answered if h.hint.job_id in self.jobs]
        elif what == "cancel":
            self.searches[search_id] = "cancelled"
            for job in jobs:
                job.state = "cancelled" if job.state in OPEN else job.state
        else:
            self.searches[search_id] = "paused" if what == "pause" else "running"

    @rule(pick=PICK, what=st.sampled_from(sorted(FROM)))
    def stranger(self, pick, what):
        options = {"changes": {"rounds": 3}} if what == "edit" else {}
        with pytest.raises(NotFound):
            getattr(self.use_cases, what)(
                self.ids[pick % len(self.ids)], owner="a stranger", **options
            )

    @rule()
    def advance(self):
        """The loop decides; nothing that is paused or has ended moves."""
        self.world.commits.armed = None
        before = dict(self.searches)
        self.work.advance_due()
        for s in self.world.searches():
            over = not any(j.state in OPEN for j in self.jobs_of(s.id))
            if before[s.id] in WORKING and over:
                assert s.state != before[s.id] or s.round > self.rounds(s.id)
                self.searches[s.id] = s.state
        self.learn()

    def rounds(self, search_id):
        return max((j.round for j in self.jobs_of(search_id)), default=0)

    def settle(self):
        for search_id, state in dict(self.searches).items():
            if state == "paused":
                self.ask(search_id, "resume")
        super().settle()
        for s in self.world.searches():
            assert len(s.edits or ()) == self.edits[s.id], "an edit was lost or made twice"
        for table in (round_, trial, decision):
            assert not {r.search_id for r in self.world.rows(table)} & self.gone


def test_users_and_workers_at_once(worlds, examples):
    run(InterleavedMachine, worlds, examples=examples(20), steps=30)
