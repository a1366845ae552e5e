"""A worker that lives and hears nothing is the worst kind: nobody restarts it."""

from __future__ import annotations

import pytest
from support import proxy as proxies
from support.bench import Bench
from support.waiting import until

from hpsearch.wiring import build
from worker.app import make
from worker.hint_publisher import HintPublisher


class Unacknowledged:
    """Breaks the connection on which the first message is acknowledged, and refuses others."""

    def __init__(self):
        self.proxy = None
        self.done = False

    def tap(self):
        def pass_on(link, data):
            if self.done or b"ZREM" not in data:
                return data
            self.done = self.proxy.refusing = True
            link.reset()
            return b""

        return pass_on


@pytest.fixture
def lossy(broker):
    """A proxy before the broker that loses the first acknowledgement."""
    fault = Unacknowledged()
    with proxies.before(broker.socket, tap=fault.tap) as proxy:
        fault.proxy = proxy
        yield proxy


def test_a_worker_that_could_not_ack_hears_the_next_hint(
    configured, sqlite_url, broker, lossy, start
):
    """Kombu counts an unacknowledged message against the prefetch limit for ever."""
    direct = configured(database_url=sqlite_url, redis_url=broker.url, job_size=2)
    through = direct.model_copy(update={"redis_url": f"redis://127.0.0.1:{lossy.port}/0"})
    with build(direct) as services:
        bench = Bench(services)
        search_id = bench.submit()
        bench.work.advance_due()
        publisher = HintPublisher(make(direct), bench.work)
        worker = start(through, "worker", "run", "--concurrency", "1")

        def done(count):
            kinds = [event.kind for event in services.store.events(search_id)]
            return kinds.count("done") >= count

        assert publisher.fill() > 1
        until(lambda: "Couldn't ack" in worker.log.read_text(), seconds=60, what="a lost ack")
        lossy.refusing = False
        until(lambda: done(4), what="the other hints to be heard")


def test_a_worker_asks_for_its_broker_every_second(configured, sqlite_url, broker, start):
    """Celery's pause grows with every try; a long outage must not cost more than a short one."""
    worker = start(
        configured(database_url=sqlite_url, redis_url=broker.url, log_level="debug"),
        "worker", "run", "--concurrency", "1",
    )  # fmt: skip
    until(lambda: "ready" in worker.log.read_text(), seconds=60, what="the worker")
    broker.kill()
    until(
        lambda: worker.log.read_text().count("the broker is asked again in 1 s") >= 3,
        seconds=60, what="tries a second apart",
    )  # fmt: skip
    broker.start()
    until(lambda: "the broker works again" in worker.log.read_text(), seconds=60, what="the broker")
    assert worker.log.read_text().count("the broker does not answer") == 1
