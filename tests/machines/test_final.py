"""The final test: one frozen row, whoever loses it how often, and no second choice."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import precondition, rule
from machines.machine import PICK, QueueMachine, run
from support.bench import OWNER

from hpsearch.errors import Conflict
from hpsearch.store.tables import dataset_content, trial


class FinalMachine(QueueMachine):
    """Workers that open the test part and vanish; users who resume and cancel."""

    state = "finalizing"

    def __init__(self, worlds):
        super().__init__(worlds)
        (search,) = self.world.searches()
        self.search_id = search.id
        self.final = max(self.jobs)
        for job_id, job in self.jobs.items():
            if job_id != self.final:
                assert job.state == "done"
        self.frozen = self.choice()
        self.openings = self.opened()

    def learn(self):
        """The exploring jobs are done already."""
        for j in self.world.jobs():
            if j.kind != "final":
                made = self.jobs.setdefault(j.id, self.known(j))
                made.state, made.done_by = "done", (j.done_attempt, j.worker_run)
        super().learn()

    def choice(self):
        """Everything about the choice that may never change again."""
        (search,) = self.world.searches()
        rows = [(t.idx, t.role, t.params) for t in self.world.rows(trial) if t.role]
        return search.recommended, search.round, sorted(rows)

    def opened(self):
        return sum(c.openings for c in self.world.rows(dataset_content))

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def open_test(self, pick):
        held = self.held[pick % len(self.held)]
        job, ours = self.jobs[held.hint.job_id], self.ours(held)
        assert self.work.open_test(held.hint, worker_run=held.run) == ours
        if ours:
            job.opened.add(held.hint.attempt)

    @rule()
    def resume(self):
        searches, job = self.world.services.searches, self.jobs[self.final]
        self.world.commits.armed = None
        if self.searches[self.search_id] != "failed":
            with pytest.raises(Conflict):
                searches.resume(self.search_id, owner=OWNER)
            return
        searches.resume(self.search_id, owner=OWNER)
        self.searches[self.search_id] = "finalizing"
        job.state, job.attempt, job.losses = "queued", job.attempt + 1, 0
        job.ready, job.run = 0.0, None

    @rule(sure=st.integers(0, 9))
    def cancel(self, sure):
        if sure or self.searches[self.search_id] != "finalizing":
            return
        job = self.jobs[self.final]
        if job.state not in ("queued", "running"):
            return
        self.world.services.searches.cancel(self.search_id, owner=OWNER)
        self.searches[self.search_id] = job.state = "cancelled"

    @rule()
    def advance(self):
        self.world.commits.armed = None
        self.work.advance_due()
        if self.jobs[self.final].state == "done":
            self.searches[self.search_id] = "completed"

    def settle(self):
        super().settle()
        job = self.jobs[self.final]
        if job.state == "failed":
            self.resume()
            self.finish_all()
        self.advance()
        assert self.searches[self.search_id] in ("completed", "cancelled")
        assert self.choice() == self.frozen
        assert self.opened() == self.openings + len(job.opened)


def test_the_choice_is_made_once(worlds, examples):
    run(FinalMachine, worlds, examples=examples(20))
