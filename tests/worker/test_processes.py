"""Whole searches with real Celery workers, a real broker and both databases.

Every digest is compared with that of the same spec trained in this process, one job after the
other: workers, stacks, kills and restarts must not show in it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from functools import cache

import pytest
from support.alone import alone
from support.bench import OWNER
from support.processes import environment
from support.receiver import receiver
from support.waiting import until

from hpsearch.settings import load
from hpsearch.trials import SearchState
from hpsearch.wiring import build
from worker import replay as again

SPEC = {
    "dataset": "digits",
    "model": {"hidden_sizes": [32], "batch_size": 64},
    "space": {
        "learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"},
        "weight_decay": {"low": 1e-8, "high": 1e-2, "scale": "log"},
    },
    "rounds": 2,
    "trials_per_round": 16,
    "epochs": {"first": 2, "last": 3},
    "final": {"epochs": 4, "models": 3},
    "seed": 7,
}


def submit(services, **changes):
    return services.searches.submit({**SPEC, **changes}, owner=OWNER)[0].id


def ended(services, search_id, seconds=60.0):
    def state():
        status = services.searches.status(search_id, owner=OWNER)
        return status if status.finished_at is not None else None

    return until(state, seconds=seconds, what="the end of the search")


def digest(services, search_id):
    status = ended(services, search_id)
    assert status.state is SearchState.COMPLETED, status.reason
    result = services.searches.result(search_id, owner=OWNER)
    assert result.digest is not None, result.digest_reason
    return result.digest


@pytest.fixture(scope="session")
def reference(tmp_path_factory, migrated_sqlite, data_folder):
    """The digest of a spec trained without any worker."""

    @cache
    def of(epochs):
        home = tmp_path_factory.mktemp("alone")
        shutil.copyfile(migrated_sqlite, home / "hpsearch.db")
        settings = load(home=home, data_url=str(data_folder), sqlite_synchronous="NORMAL")
        with build(settings) as services:
            search_id = submit(services, epochs={"first": epochs, "last": epochs + 1})
            return alone(services, search_id)

    return of


@pytest.fixture
def deployed(configured, database_url, broker):
    """Settings of a service with a real database and broker."""

    def make(**overrides):
        return configured(database_url=database_url, redis_url=broker.url, **overrides)

    return make


@pytest.mark.parametrize(
    ("workers", "job_size", "stack_size"), [(1, 32, 0), (2, 3, 2)], ids=["one", "two-other-stacks"]
)
def test_the_digest_is_the_same_with_any_workers(
    deployed, start, reference, workers, job_size, stack_size
):
    with receiver() as found:
        settings = deployed(
            job_size=job_size, stack_size=stack_size, log_level="debug", webhook_hosts=found.origin
        )
        loop = start(settings, "worker", "loop")
        worker = start(settings, "worker", "run", "--concurrency", str(workers))
        with build(settings) as services:
            told = {"url": found.url}
            search_id = submit(services, epochs={"first": 2, "last": 3}, webhook=told)
            assert digest(services, search_id) == reference(2)
            (sent,) = until(lambda: found.sent, what="a webhook")
            assert json.loads(sent.body)["data"]["id"] == search_id
            events = services.store.events(search_id)
    kinds = [event.kind for event in events]
    assert kinds.count("final_frozen") == kinds.count("test_opened") == 1
    check_what_logs_are_about([loop.log, worker.log], search_id, events)
    assert "s3cret" not in loop.log.read_text(), "the path of a webhook is often a secret"


def test_the_digest_is_the_same_through_a_pooler(configured, pooled_url, broker, start, reference):
    settings = configured(database_url=pooled_url, redis_url=broker.url, job_size=3)
    start(settings, "worker", "loop")
    start(settings, "worker", "run", "--concurrency", "2")
    with build(settings) as services:
        search_id = submit(services, epochs={"first": 2, "last": 3})
        assert digest(services, search_id) == reference(2)


def check_what_logs_are_about(logs, search_id, events):
    """Each line about the search names it, and one about a job that as well, in every process."""
    text = [line for log in logs for line in log.read_text().splitlines()]
    lines = [json.loads(line) for line in text if line.startswith("{")]  # Celery has a banner
    begun = [line for line in lines if line["event"].startswith("round ")]
    assert {line["event"][:14] for line in begun} == {f"round {n} begins" for n in (1, 2, 3)}
    done = {(e.job_id, e.attempt) for e in events if e.kind == "done"}
    trained = [line for line in lines if line["event"].startswith("the job's report: ")]
    assert {(line["job_id"], line["attempt"]) for line in trained} == done
    assert {line["search_id"] for line in (*begun, *trained)} == {search_id}
    idle = [line for line in lines if line["event"].startswith("the loop turns")]
    assert idle, "a line about no search names none"
    assert "search_id" not in idle[0]


def running_job(services, search_id):
    return services.searches.status(search_id, owner=OWNER).trials.running


# tests/chaos does all of this on both kinds of database, many times: here each has its share.
@pytest.mark.parametrize(
    ("whom", "database_url"), [("child", "sqlite"), ("group", "postgresql")],
    indirect=["database_url"],
)  # fmt: skip
def test_a_worker_killed_in_mid_round_changes_nothing(deployed, start, reference, whom):
    settings = deployed(job_size=4)
    start(settings, "worker", "loop")
    first = start(settings, "worker", "run", "--concurrency", "1")
    with build(settings) as services:
        search_id = submit(services, epochs={"first": 150, "last": 151})
        until(lambda: running_job(services, search_id), what="a running job")
        if whom == "child":
            for pid in first.children():
                os.kill(pid, signal.SIGKILL)
        else:
            first.kill()
            start(settings, "worker", "run", "--concurrency", "2")
        assert digest(services, search_id) == reference(150)
        kinds = [event.kind for event in services.store.events(search_id)]
        assert kinds.count("lost") >= 1, "the kill must have hit a running job"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_worker_frozen_past_its_lease_is_fenced(deployed, start, reference):
    settings = deployed(job_size=4)
    start(settings, "worker", "loop")
    frozen = start(settings, "worker", "run", "--concurrency", "1")
    with build(settings) as services:
        search_id = submit(services, epochs={"first": 150, "last": 151})
        until(lambda: running_job(services, search_id), what="a running job")
        frozen.signal(signal.SIGSTOP)
        start(settings, "worker", "run", "--concurrency", "1")

        def lost():
            return any(event.kind == "lost" for event in services.store.events(search_id))

        until(lost, what="the lease to run out")
        frozen.signal(signal.SIGCONT)
        assert digest(services, search_id) == reference(150)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_broker_that_loses_everything(deployed, start, broker, reference):
    settings = deployed(job_size=2)
    start(settings, "worker", "loop")
    start(settings, "worker", "run", "--concurrency", "2")
    with build(settings) as services:
        search_id = submit(services, epochs={"first": 20, "last": 21})
        until(lambda: running_job(services, search_id), what="a running job")
        broker.kill()
        broker.start()
        assert digest(services, search_id) == reference(20)


def test_a_postgres_that_is_killed_in_mid_round(
    configured, postgres, postgres_url, broker, start, reference
):
    """Whoever runs waits for it, and so does a worker that starts while it is away."""
    settings = configured(database_url=postgres_url, redis_url=broker.url, job_size=4)
    start(settings, "worker", "loop")
    start(settings, "worker", "run", "--concurrency", "1")
    with build(settings) as services:
        search_id = submit(services, epochs={"first": 150, "last": 151})
        until(lambda: running_job(services, search_id), what="a running job")
        postgres.kill()
        late = start(settings, "worker", "run", "--concurrency", "1")
        until(lambda: "not announced" in late.log.read_text(), what="a worker without database")
        postgres.start(fresh=False)
        assert digest(services, search_id) == reference(150)


def test_two_loops_and_no_finisher(deployed, start, reference):
    """Whoever advances, each round is made once."""
    settings = deployed()
    for _ in range(2):
        start(settings, "worker", "loop")
    start(settings, "worker", "run", "--concurrency", "2")
    with build(settings) as services:
        search_id = submit(services, epochs={"first": 2, "last": 3})
        assert digest(services, search_id) == reference(2)
        kinds = [event.kind for event in services.store.events(search_id)]
        assert kinds.count("advanced") == 2


def test_workers_stop_when_asked(deployed, start):
    settings = deployed()
    loop = start(settings, "worker", "loop")
    worker = start(settings, "worker", "run", "--concurrency", "2")
    until(lambda: "ready" in worker.log.read_text() or worker.children(), what="the pool")
    until(lambda: "the loop turns" in loop.log.read_text(), what="the loop")
    assert loop.stop() == 0
    assert worker.stop() == 0
    for process in (loop, worker):  # whatever Celery and its like have to say
        assert all(json.loads(line)["event"] for line in process.log.read_text().splitlines())


def replay(settings, search_id, *arguments):
    done = subprocess.run(
        [sys.executable, "-P", "-m", "worker", "replay", search_id, "--json", *arguments],
        env={**os.environ, **environment(settings)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


@pytest.fixture(scope="session")
def honest(tmp_path_factory, migrated_sqlite, data_folder):
    """The database of a completed search, the search's id and the folder of its dataset."""
    home = tmp_path_factory.mktemp("honest")
    database = shutil.copyfile(migrated_sqlite, home / "hpsearch.db")
    settings = load(home=home, data_url=str(data_folder), sqlite_synchronous="NORMAL")
    with build(settings) as services:
        search_id = submit(services)
        alone(services, search_id)
        row = services.store.read(lambda tx: tx.searches.get(search_id))
    return database, search_id, data_folder / row.dataset_digest


@pytest.fixture
def completed(configured, honest, tmp_path):
    """A completed search with data of its own, to be tampered with."""
    database, search_id, dataset = honest
    own = shutil.copyfile(database, tmp_path / "own.db")
    shutil.copytree(dataset, tmp_path / "own-data" / dataset.name)
    settings = configured(database_url=f"sqlite:///{own}", data_url=str(tmp_path / "own-data"))
    with build(settings) as services:
        yield settings, services, search_id


TAMPERING = {
    "parameter": "UPDATE trial SET params = json_set(params, '$.learning_rate', 0.0123) WHERE round = 1 AND idx = 3",
    "count": "UPDATE trial SET correct = correct - 1 WHERE round = 2 AND idx = 5",
    "test count": "UPDATE trial SET test_correct = test_correct + 1 WHERE round = 3 AND idx = 0",
    "range": "UPDATE round SET box = json_set(box, '$.learning_rate.low', 0.002) WHERE number = 2",
    "recommendation": "UPDATE search SET recommended = json_set(recommended, '$.correct', 1)",
    "ensemble": "UPDATE job SET ensemble_correct = 1 WHERE kind = 'final'",
    "best": "UPDATE search SET best_accuracy = 1.0",
    "counter": "UPDATE round SET diverged = diverged + 1, completed = completed - 1 WHERE number = 1",
    "verdict's numbers": "UPDATE decision SET numbers = json_set(numbers, '$.top', 99)",
    "reason": "UPDATE decision SET facts = json_set(facts, '$.top', 99) WHERE name = 'learning_rate'",
    "spec": "UPDATE search SET spec = json_set(spec, '$.seed', 8)",
}


def test_replay_agrees_with_an_honest_search(completed):
    settings, _, search_id = completed
    for arguments in ((), ("--decisions",)):
        code, found = replay(settings, search_id, *arguments)
        assert (code, found["differences"], found["agrees"]) == (0, [], True)
    assert found["digest"] == found["stored_digest"]


@pytest.mark.parametrize("what", TAMPERING)
def test_replay_finds_what_was_altered(completed, what, capsys):
    _, services, search_id = completed
    with services.store.engines.write.begin() as connection:
        assert connection.exec_driver_sql(TAMPERING[what]).rowcount
    assert again.run(services, search_id, decisions=False, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["differences"]


@pytest.mark.parametrize("name", ["train_x.npy", "sealed/test_y.npy"])
def test_replay_finds_a_flipped_byte(completed, name):
    settings, services, search_id = completed
    row = services.store.read(lambda tx: tx.searches.get(search_id))
    path = next((settings.home.parent / "own-data" / row.dataset_digest).glob(name))
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    code, found = replay(settings, search_id)
    assert code == 70
    assert path.name in found


@pytest.mark.skipif(sys.platform != "linux", reason="takes root's capabilities away (Linux)")
def test_the_search_needs_no_test_file_until_its_final(
    configured, tmp_path, postgres_url, broker, start
):
    """With the test file at mode 000 only the final job fails, and resume mends it."""
    data = tmp_path / "own-data"
    settings = configured(database_url=postgres_url, redis_url=broker.url, data_url=str(data))
    with build(settings) as services:
        search_id = submit(services)
        row = services.store.read(lambda tx: tx.searches.get(search_id))
        sealed = [*(data / row.dataset_digest / "sealed").iterdir()]
        modes = {path: path.stat().st_mode for path in sealed}
        for path in sealed:
            path.chmod(0)
        start(settings, "worker", "loop", ordinary=True)
        start(settings, "worker", "run", "--concurrency", "1", ordinary=True)
        status = ended(services, search_id)
        assert status.state is SearchState.FAILED
        assert status.rounds.completed == status.rounds.planned
        assert "cannot be read" in (status.reason or "")
        for path, mode in modes.items():
            path.chmod(mode)
        services.searches.resume(search_id, owner=OWNER)
        assert ended(services, search_id).state is SearchState.COMPLETED
        result = services.searches.result(search_id, owner=OWNER)
        assert result.test.attempts == 4  # three that could not read, each recorded before it tried
        kinds = [event.kind for event in services.store.events(search_id)]
        assert kinds.count("final_frozen") == 1
