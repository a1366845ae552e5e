"""Hints are lost and doubled on their way as the harness says, and forged ones are well made."""

from __future__ import annotations

from random import Random

import pytest
import redis
from support import proxy as proxies

from chaos.hints import QUEUES, Commands, Traffic, arguments, command, with_arguments
from hpsearch.trials import Hint, RoundKind
from worker.app import make
from worker.hint_publisher import HintPublisher

QUEUE = QUEUES[0].decode()


@pytest.fixture
def through(broker):
    """A client of the broker behind a proxy, and the traffic on it."""

    def make(**shares):
        traffic = Traffic(Random(1), **shares)
        proxy = stack.enter_context(proxies.before(broker.socket, tap=traffic.tap))
        client = stack.enter_context(redis.Redis(port=proxy.port))
        return traffic, client, proxy

    from contextlib import ExitStack

    with ExitStack() as stack:
        yield make


def test_commands_are_cut_wherever_the_pieces_end():
    sent = command(b"LPUSH", b"q", b"a\r\nb") + command(b"PING") + command(b"SET", b"", b"\x00")
    for size in (1, 2, 7, len(sent)):
        reader = Commands()
        pieces = [sent[i : i + size] for i in range(0, len(sent), size)]
        found = [one for piece in pieces for one in reader.feed(piece)]
        assert [words for _, words in found] == [
            [b"LPUSH", b"q", b"a\r\nb"], [b"PING"], [b"SET", b"", b"\x00"],
        ]  # fmt: skip
        assert b"".join(raw for raw, _ in found) == sent


def test_a_lost_hint_is_answered_and_not_there(through):
    traffic, client, _ = through(lose=1.0, double=0.0)
    assert client.lpush(QUEUE, "hint") == 0
    assert client.lpush("other", "kept") == 1
    assert client.llen(QUEUE) == 0
    assert traffic.counts == {"published": 1, "dropped": 1}


def test_a_doubled_hint_is_there_twice(through):
    traffic, client, _ = through(lose=0.0, double=1.0)
    assert client.lpush(QUEUE, "hint") == 2
    assert client.lrange(QUEUE, 0, -1) == [b"hint", b"hint"]
    assert traffic.counts == {"published": 1, "duplicated": 1}
    traffic.replay(client)
    assert traffic.counts["replayed"] == 1


def test_the_shares_are_kept(through):
    traffic, client, _ = through(lose=0.05, double=0.05)
    for number in range(2000):
        client.lpush(QUEUE, number)
    assert 60 < traffic.counts["dropped"] < 140
    assert 60 < traffic.counts["duplicated"] < 140
    assert client.llen(QUEUE) == 2000 - traffic.counts["dropped"] + traffic.counts["duplicated"]


def test_the_publishers_own_messages_are_seen_and_forged(through, configured):
    """What the tap knows of kombu's messages is held against the real publisher."""
    traffic, client, proxy = through(lose=0.0, double=0.0)
    app = make(configured(redis_url=f"redis://127.0.0.1:{proxy.port}/0"))

    class Work:
        def hints(self, **_):
            return [Hint(17, 3, RoundKind.EXPLORE, 9.0)]

        def published(self, hints):
            pass

    assert HintPublisher(app, Work()).fill() == 1
    app.pool.force_close_all()
    [(queue, message)] = traffic.seen
    assert queue == QUEUES[0]
    assert arguments(message) == [17, 3]
    assert arguments(with_arguments(message, [18, 4])) == [18, 4]
    before = client.llen(QUEUE)
    for _ in range(20):
        traffic.forge(client, Random(2), jobs=5)
    assert client.llen(QUEUE) == before + 20
    assert traffic.counts["published"] >= 1
