"""Seeded mistakes: each takes one rule out of the code, and a machine has to notice.

A mutant is a change of a module's source. What it changes must be there exactly once, so a
mutant that has grown old fails instead of changing nothing.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

STATEMENTS = "hpsearch.store.statements"
QUEUE = "hpsearch.store.queue:Queue"
RESULTS = "hpsearch.store.results:Results"
FINAL = "hpsearch.store.final_test:FinalTest"
SEARCHES = "hpsearch.store.searches:Searches"
PLANS = "hpsearch.store.plans:Plans"
WORK = "hpsearch.service.jobs:JobService"
KEY = "hpsearch.store.keys:_BY_ID"
LIVENESS = "hpsearch.service.liveness:LivenessMonitor"


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in the source of a class or a value (module:name); `machine` notices."""

    where: str
    old: str
    new: str
    machine: str


MUTANTS: dict[str, Mutant] = {
    "finish without its fence": Mutant(
        f"{STATEMENTS}:FINISH",
        ".where(*OURS)\n    .values(\n        state=JobState.DONE",
        ".where(OURS[0])\n    .values(\n        state=JobState.DONE",
        "QueueMachine",
    ),
    "finish together without the fence": Mutant(
        f"{STATEMENTS}:FINISH_TOGETHER",
        """        job.c.state == JobState.RUNNING,
        job.c.attempt == _ENDING.c.attempt,
        job.c.worker_run == bind("a_run", job.c.worker_run),
""",
        "",
        "QueueMachine",
    ),
    "what was lost is taken beside others": Mutant(
        f"{STATEMENTS}:CLAIM_BESIDE", "job.c.attempt == 1,", "job.c.attempt >= 1,", "QueueMachine"
    ),
    "claim without the attempt": Mutant(
        f"{STATEMENTS}:CLAIM",
        """            job.c.attempt == bind("an_attempt", job.c.attempt),
            due(),""",
        "            due(),",
        "QueueMachine",
    ),
    "a lost job keeps its attempt": Mutant(
        RESULTS,
        "attempt=job.c.attempt + 1,\n                losses=job.c.losses + 1,",
        "losses=job.c.losses + 1,",
        "QueueMachine",
    ),
    "a fourth try": Mutant(
        RESULTS, "job.c.losses + 1 < max_losses", "job.c.losses + 1 <= max_losses", "QueueMachine"
    ),
    "a heartbeat of anybody": Mutant(
        QUEUE,
        ".where(*statements.ours(hint, worker_run))\n            .values(heartbeats",
        ".where(job.c.id == hint.job_id)\n            .values(heartbeats",
        "QueueMachine",
    ),
    "a heartbeat that prolongs nothing": Mutant(
        QUEUE,
        "heartbeats=job.c.heartbeats + 1, lease_until=now() + lease",
        "heartbeats=job.c.heartbeats + 1",
        "QueueMachine",
    ),
    "returned by anybody": Mutant(
        QUEUE,
        ".where(*statements.ours(hint, worker_run))\n            .values(\n                state=JobState.QUEUED",
        ".where(job.c.id == hint.job_id)\n            .values(\n                state=JobState.QUEUED",
        "QueueMachine",
    ),
    "given back by anybody": Mutant(
        RESULTS,
        "condition = statements.ours(hint, worker_run)",
        "condition = [job.c.id == hint.job_id, job.c.state == JobState.RUNNING]",
        "QueueMachine",
    ),
    "the delay of a lost job is ignored": Mutant(
        f"{STATEMENTS}:CLAIM", "            due(),\n            sa.select", "            sa.select",
        "QueueMachine",
    ),
    "epochs are not counted": Mutant(
        f"{STATEMENTS}:COUNT",
        'epochs_trained=round_.c.epochs_trained + sa.bindparam("some_epochs", type_=sa.Integer()),',
        "",
        "QueueMachine",
    ),
    "a final test is taken in passing": Mutant(
        WORK, "hint.kind is RoundKind.FINAL or ", "", "FinalMachine"
    ),
    "a worker stays for a long job": Mutant(
        WORK, " or (hint.seconds or 0.0) > seconds", "", "QueueMachine"
    ),
    "the reaper ignores deadlines": Mutant(
        LIVENESS, "self._now - signs.since > job.deadline_seconds", "False", "QueueMachine"
    ),
    "the reaper does not hear": Mutant(
        LIVENESS, "signs.heartbeats != job.heartbeats", "False", "QueueMachine"
    ),
    "paused searches are served": Mutant(
        f"{STATEMENTS}:CLAIM",
        """sa.select(search.c.id)
            .where(search.c.id == job.c.search_id, one_of(search.c.state, WORKING), of_whom)
            .exists(),""",
        "",
        "InterleavedMachine",
    ),
    "cancel leaves running jobs": Mutant(
        QUEUE,
        "open_states = (JobState.QUEUED, JobState.RUNNING)",
        "open_states = (JobState.QUEUED,)",
        "InterleavedMachine",
    ),
    "delete takes what runs": Mutant(
        SEARCHES,
        "search.delete().where(search.c.id == search_id, search.c.state.in_(list(ENDED)))",
        "search.delete().where(search.c.id == search_id)",
        "InterleavedMachine",
    ),
    "a stranger's search": Mutant(
        "hpsearch.store.searches:_OF_OWNER",
        """search.c.id == bind("an_id", search.c.id), search.c.owner == bind("an_owner", search.c.owner)""",
        """search.c.id == bind("an_id", search.c.id)""",
        "InterleavedMachine",
    ),
    "an edit whose answer got lost": Mutant(
        SEARCHES, "return self.repeated(basis.id)", "return False", "InterleavedMachine"
    ),
    "advance without the revision": Mutant(
        PLANS, "search.c.revision == basis.revision,", "", "RoundMachine"
    ),
    "the ledger is not written": Mutant(
        PLANS,
        """        self.connection.execute(
            round_.insert().values(search_id=basis.id, created_at=now(), **_round(plan))
        )
""",
        "",
        "RoundMachine",
    ),
    "the final runs for ever": Mutant(
        RESULTS,
        "if row.kind is RoundKind.FINAL and not FinalTest(self.connection).is_spare(row.id)",
        "if row.kind is RoundKind.FINAL and row.losses > 3",
        "FinalMachine",
    ),
    "the choice is not frozen": Mutant(
        FINAL,
        'self.record("requeued", search_id=search_id, job_id=job_id, attempt=attempt)',
        """self.record("requeued", search_id=search_id, job_id=job_id, attempt=attempt)
            self.connection.execute(
                trial.update().where(trial.c.job_id == job_id).values(params={"learning_rate": 1.0})
            )""",
        "FinalMachine",
    ),
    "an attempt opens twice": Mutant(FINAL, ".where(mine, first)", ".where(mine)", "FinalMachine"),
    "a cancelled search tells nobody": Mutant(
        SEARCHES, "if to in ENDED:\n            self.connection", "if to is SearchState.COMPLETED:\n            self.connection",
        "FinalMachine",
    ),
    "a failed final tells nobody": Mutant(
        RESULTS, 'self.connection.execute(OWE, {"a_search": row.search_id})', "", "FinalMachine"
    ),
    "a revoked key is live": Mutant(
        KEY, "api_key.c.revoked_at.is_(None),\n    sa", "sa", "KeyMachine"
    ),
    "an expired key is live": Mutant(
        KEY, "api_key.c.expires_at > now()", "api_key.c.expires_at > 0", "KeyMachine"
    ),
}  # fmt: skip
# One for each machine, and what forty faults of a chaos run may let through.
QUICK = (
    "finish without its fence",
    "claim without the attempt",
    "cancel leaves running jobs",
    "advance without the revision",
    "an attempt opens twice",
    "a revoked key is live",
)


@contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    """The code with this mistake in it, for the length of the block."""
    path, name = mutant.where.split(":")
    module = importlib.import_module(path)
    source = inspect.getsource(module)
    assert source.count(mutant.old) == 1, f"not there exactly once: {mutant.old}"
    made: dict[str, Any] = {"__name__": path}
    exec(compile(source.replace(mutant.old, mutant.new), f"<mutant of {path}>", "exec"), made)
    wrong, right = made[name], getattr(module, name)
    if not inspect.isclass(right):
        setattr(module, name, wrong)
        try:
            yield
        finally:
            setattr(module, name, right)
        return
    # Whatever else the module defines stays the one that everybody has imported.
    made.update({k: v for k, v in vars(module).items() if k != name and not k.startswith("__")})
    before = {k: v for k, v in vars(right).items() if inspect.isfunction(v)}
    for key in before:
        setattr(right, key, vars(wrong)[key])
    try:
        yield
    finally:
        for key, function in before.items():
            setattr(right, key, function)
