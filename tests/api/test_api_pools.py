"""A pool of worker processes that trains a search: its end, a process that dies, Ctrl-C, what cannot be sent."""

from __future__ import annotations

import importlib
import math
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.outside import SPEC
from support.waiting import until

from hpsearch.client import Client, external
from hpsearch.errors import InvalidRequest

SMALL = {**SPEC, "rounds": 2, "trials_per_round": 4, "epochs": {"first": 1, "last": 2}}

TRAININGS = """
import os, signal, sys
from hpsearch.client import external

def of_process(number):
    if os.getpid() != number:
        raise ImportError("no such class here")
    return Own()

class Own:
    def __reduce__(self):
        return of_process, (os.getpid(),)

def plain(order):
    for epoch in range(order.epochs):
        yield -abs(order.params["depth"] - 6.0) - 1 / (epoch + 1) - order.seed % 100 / 1e4

def dying(order):
    match order.trial:
        case "1-0":
            os.kill(os.getpid(), signal.SIGKILL)
        case "1-1":
            yield -1.0
            os._exit(7)
        case "1-2":
            sys.exit("enough")
        case "1-3":
            yield float("nan")
        case "1-4":
            yield external.Report(-1.0, metrics={"other": Own()})
    yield from plain(order)

def leaving(order):
    sys.exit("enough")
"""

POOL = """
import signal, subprocess, sys
from hpsearch.client import Client, external

deaf = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])  # from the first line on

def train(order):
    print(order.trial, order.attempt, deaf, flush=True)
    yield 0.5
    subprocess.run(["sleep", "60"], check=True)

if __name__ == "__main__":
    external.run(Client(sys.argv[1], sys.argv[2]), sys.argv[3], train, parallel=2, wait=5)
"""

CARELESS = POOL.replace(
    'subprocess.run(["sleep", "60"], check=True)',
    """
    subprocess.Popen(["sleep", "60"])
    print("started", flush=True)
    signal.pause()
""",
)

UNGUARDED = """
import sys
from hpsearch.client import Client, external

def train(order):
    return 0.5

external.run(Client(sys.argv[1], sys.argv[2]), sys.argv[3], train, parallel=2)
"""


@pytest.fixture
def trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module that worker processes can import."""
    (tmp_path / "trainings_of_a_pool.py").write_text(TRAININGS)
    monkeypatch.syspath_prepend(str(tmp_path))
    return importlib.import_module("trainings_of_a_pool")


def no_group(number: int) -> bool:
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.usefixtures("loop")
def test_a_pool_finds_what_one_trainer_finds(connect: Callable[[], Client], trainings: Any) -> None:
    user, digests = connect(), []
    ways: list[dict[str, Any]] = [{}, {"parallel": 2}, {"parallel": 3, "start": "thread"}]
    for way in ways:
        search = user.submit(SMALL).id
        assert external.run(user, search, trainings.plain, wait=1, **way).state == "completed"
        digests.append(user.result(search).digest)
    assert digests[0] is not None
    assert digests == [digests[0]] * 3


@pytest.mark.usefixtures("loop")
def test_a_process_that_dies_fails_its_trial_and_the_pool_goes_on(
    connect: Callable[[], Client], trainings: Any
) -> None:
    user = connect()
    search = user.submit({**SMALL, "trials_per_round": 6}).id
    ended = external.run(user, search, trainings.dying, wait=1, parallel=2)
    assert ended.state == "completed", ended.reason
    trials = {t.id: t for t in user.trials(search)}
    errors = {name: trial.error for name, trial in trials.items() if trial.state == "failed"}
    assert sorted(errors) == ["1-0", "1-1", "1-2", "1-4"]
    assert "signal 9 (SIGKILL); the system kills so where memory is short" in str(errors["1-0"])
    assert str(errors["1-1"]).endswith("exit status 7")
    assert str(errors["1-2"]).endswith("exit status 1")
    assert trials["1-3"].state == "diverged"
    assert "cannot be read outside its process (ImportError: no such class" in str(errors["1-4"])


@pytest.mark.usefixtures("loop")
def test_a_thread_whose_training_leaves_the_program_ends_the_pool(
    connect: Callable[[], Client], trainings: Any
) -> None:
    user = connect()
    search = user.submit(SMALL).id
    with pytest.raises(SystemExit, match="enough"):
        external.run(user, search, trainings.leaving, wait=1, parallel=2, start="thread")
    assert user.status(search).trials.running == 0


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_a_pool_that_is_stopped_hands_its_trials_back(
    connect: Callable[[], Client], script: Any, number: int, code: int
) -> None:
    """Though the signal reaches every process of the group, as that of a terminal does."""
    user = connect()
    search = user.submit({**SMALL, "trials_per_round": 2}).id
    pool = script(POOL, search)
    begun = sorted(pool.stdout.readline() for _ in range(2))
    assert begun == ["1-0 1 True\n", "1-1 1 True\n"], pool.stderr.read()
    os.killpg(pool.pid, number)
    assert pool.wait(timeout=30) == code
    orders = [until(lambda: user.claim(search), what="a returned trial") for _ in range(2)]
    assert [order.attempt for order in orders] == [2, 2]
    until(lambda: no_group(pool.pid), what="the end of the workers")


@pytest.mark.usefixtures("loop")
def test_a_pool_whose_process_is_killed_leaves_no_worker(
    connect: Callable[[], Client], script: Any
) -> None:
    user = connect()
    search = user.submit({**SMALL, "trials_per_round": 1}).id
    pool = script(POOL, search)
    assert pool.stdout.readline() == "1-0 1 True\n", pool.stderr.read()
    pool.kill()
    pool.wait(timeout=30)
    until(lambda: no_group(pool.pid), what="the end of the workers")


@pytest.mark.skipif(sys.platform != "linux", reason="children are listed on Linux alone")
@pytest.mark.usefixtures("loop")
def test_a_program_that_a_training_does_not_end_ends_with_the_pool(
    connect: Callable[[], Client], script: Any
) -> None:
    """The signal reaches the pool alone: nothing but the worker can end what it has started."""
    user = connect()
    search = user.submit({**SMALL, "trials_per_round": 1}).id
    pool = script(CARELESS, search)
    assert [pool.stdout.readline() for _ in range(2)] == ["1-0 1 True\n", "started\n"]
    pool.terminate()
    assert pool.wait(timeout=30) == 128 + signal.SIGTERM
    until(lambda: no_group(pool.pid), what="the end of the program")


def test_what_worker_processes_cannot_import_is_refused_with_the_way_out(
    connect: Callable[[], Client], script: Any, trainings: Any
) -> None:
    user = connect()
    search = user.submit(SMALL).id
    with pytest.raises(
        InvalidRequest, match=r"cannot be sent to worker processes.*start=\"thread\""
    ):
        external.run(user, search, lambda _: 0.5, parallel=2)
    with pytest.raises(InvalidRequest, match="parallel is 0; give 1 to 256"):
        external.run(user, search, trainings.plain, parallel=0)
    with pytest.raises(InvalidRequest, match="start is 'fork'; give one of spawn"):
        external.run(user, search, trainings.plain, parallel=2, start="fork")  # type: ignore[arg-type]
    _, errors = script(UNGUARDED, search).communicate(timeout=60)
    assert 'under `if __name__ == "__main__":`' in errors
    assert user.status(search).trials.running == 0


@pytest.mark.usefixtures("loop")
def test_a_training_that_cannot_be_imported_there_ends_the_pool_before_it_claims(
    connect: Callable[[], Client], trainings: Any, tmp_path: Path
) -> None:
    user = connect()
    search = user.submit(SMALL).id
    (tmp_path / "trainings_of_a_pool.py").write_text("raise ImportError('no such library')")
    with pytest.raises(InvalidRequest, match="ImportError: no such library; put it into a module"):
        external.run(user, search, trainings.plain, parallel=2)
    assert user.status(search).trials.running == 0
    assert math.isfinite(user.status(search).revision)
