"""What becomes of hints on their way: lost, doubled, forged, replayed.

All publishers reach the broker through a proxy. Its tap reads their commands, and a push to a
queue is now and then turned into a question (the hint is lost, and the publisher gets a number
all the same) or says its message twice.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import redis
from support.proxy import Link, Tap

QUEUES = (b"hps:jobs", b"hps:final")
# What a broken or hostile client may leave in a list. Most of it ends the worker that reads it.
GARBAGE = (
    b"", b"notjson", b"[]", b"{}", b"[" * 50_000, b'{"body": "!", "properties": {}}',
    b"\x80\x04\x95\x0b\x00\x00\x00", b"null", b"\x00" * 64,
)  # fmt: skip


class Traffic:
    """The hints of one run: how many there were, and what was done to them.

    `lose` and `double` are the shares of hints that get lost and come twice.
    """

    def __init__(self, rng: Random, *, lose: float, double: float) -> None:
        self._rng = rng
        self._lose, self._double = lose, double
        self.counts: Counter[str] = Counter()
        self.seen: list[tuple[bytes, bytes]] = []  # (queue, message), each once

    def tap(self) -> Tap:
        """The tap of one connection."""
        reader = Commands()

        def pass_on(_link: Link, data: bytes) -> bytes:
            return b"".join(self._through(raw, words) for raw, words in reader.feed(data))

        return pass_on

    def _through(self, raw: bytes, words: Sequence[bytes]) -> bytes:
        if len(words) != 3 or words[0].upper() != b"LPUSH" or words[1] not in QUEUES:
            return raw
        _, queue, message = words
        self.counts["published"] += 1
        self.seen.append((queue, message))
        chance = self._rng.random()
        if chance < self._lose:
            self.counts["dropped"] += 1
            return command(b"LLEN", queue)
        if chance < self._lose + self._double:
            self.counts["duplicated"] += 1
            return command(b"LPUSH", queue, message, message)
        return raw

    def forge(self, client: redis.Redis, rng: Random, jobs: int) -> None:
        """One hint that nobody published: a wrong attempt, a foreign id, or garbage."""
        if not self.seen:
            return
        queue, message = self.seen[rng.randrange(len(self.seen))]
        job_id, attempt = arguments(message)
        forged = rng.choice([
            [job_id, attempt + rng.choice([-1, 1, 7, 2**40])],
            [rng.randrange(1, jobs + 1), rng.randrange(-2, 5)],
            [rng.choice([0, -1, 2**31, 2**62, 2**80]), 1],
            rng.choice([["1", "1 OR 1=1"], [None, None], [[], {}], [1], [1, 1, 1], []]),
            None,
        ])  # fmt: skip
        body = rng.choice(GARBAGE) if forged is None else with_arguments(message, forged)
        client.lpush(queue, body)
        self.counts["forged"] += 1

    def replay(self, client: redis.Redis) -> None:
        """Every hint of the run again, oldest first."""
        again = list(self.seen)
        for queue, message in again:
            client.lpush(queue, message)
        self.counts["replayed"] = len(again)


class Commands:
    """Cuts what a client says into commands of the Redis protocol (RESP arrays)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[bytes, list[bytes]]]:
        """Whole commands, as they were sent and in words; an unfinished one waits for more."""
        self._rest += data
        found = []
        while (cut := self._one()) is not None:
            end, words = cut
            found.append((self._rest[:end], words))
            self._rest = self._rest[end:]
        return found

    def _one(self) -> tuple[int, list[bytes]] | None:
        at, words = 0, []
        line = self._line(at, b"*")
        if line is None:
            return None
        count, at = line
        for _ in range(count):
            line = self._line(at, b"$")
            if line is None:
                return None
            length, at = line
            if len(self._rest) < at + length + 2:
                return None
            words.append(self._rest[at : at + length])
            at += length + 2
        return at, words

    def _line(self, at: int, mark: bytes) -> tuple[int, int] | None:
        """The number on the line at `at` and where the next one begins."""
        end = self._rest.find(b"\r\n", at)
        if end < 0:
            return None
        if self._rest[at : at + 1] != mark:
            raise ValueError(f"not a command: {self._rest[at : at + 40]!r}")
        return int(self._rest[at + 1 : end]), end + 2


def command(*words: bytes) -> bytes:
    """A command of the Redis protocol."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


def arguments(message: bytes) -> list[Any]:
    """What a message asks its task to do."""
    found: list[Any] = _body(message)[0]
    return found


def with_arguments(message: bytes, words: Sequence[Any]) -> bytes:
    """The same message with other arguments."""
    envelope = json.loads(message)
    body = [list(words), *_body(message)[1:]]
    envelope["body"] = base64.b64encode(json.dumps(body).encode()).decode()
    return json.dumps(envelope).encode()


def _body(message: bytes) -> list[Any]:
    found: list[Any] = json.loads(base64.b64decode(json.loads(message)["body"]))
    return found
