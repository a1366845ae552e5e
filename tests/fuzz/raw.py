"""Bytes on a socket that are hardly HTTP: broken lines, headers, framing, and requests in requests."""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from fuzz.outcome import PROTOCOL, Outcome
from fuzz.world import CANARY, World

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_SECONDS = 90.0
_THREADS = 4

Maker = Callable[[random.Random, bytes, bytes], bytes]


def run(address: tuple[str, int], world: World, *, requests_wanted: int, number: int) -> Outcome:
    """Send `requests_wanted` raw requests, drawn from seed `number`, each on its own connection."""
    outcome = Outcome("raw")
    host = f"{address[0]}:{address[1]}".encode()
    key = world.owner["Authorization"].encode()
    sent = list(requests(random.Random(number), host, key, requests_wanted))
    with ThreadPoolExecutor(_THREADS) as pool:
        for (kind, data), answer in zip(
            sent, pool.map(lambda one: exchange(address, one[1]), sent), strict=True
        ):
            judge(outcome, kind, data, answer, keyed=key in data)
    return outcome


def judge(outcome: Outcome, kind: str, data: bytes, answer: bytes, *, keyed: bool) -> None:
    """Count the answers to one connection; without a key nothing of the owner may be in them."""
    codes = [int(code) for code in _STATUS.findall(answer)] or [0]
    for code in codes:
        if code in PROTOCOL:
            outcome.codes[code] += 1
        else:
            outcome.answered(code, f"{kind}: {data[:120]!r}")
    if not keyed and CANARY.encode() in answer:
        outcome.bypassed(f"{kind}: {data[:120]!r} reads what is the owner's")


def exchange(address: tuple[str, int], data: bytes) -> bytes:
    """Send, say that nothing follows, and read to the end."""
    answer = bytearray()
    with socket.create_connection(address, timeout=_SECONDS) as link:
        try:
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
            while chunk := link.recv(1 << 16):
                answer += chunk
        except (ConnectionError, BrokenPipeError):
            pass  # it may hang up on such a sender in the middle
    return bytes(answer)


def requests(
    rng: random.Random, host: bytes, key: bytes, how_many: int
) -> Iterator[tuple[str, bytes]]:
    """(kind, bytes) of each request; every kind comes up."""
    kinds = sorted(KINDS)
    for i in range(how_many):
        kind = kinds[i % len(kinds)]
        yield kind, KINDS[kind](rng, host, key)


def _lines(*lines: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([*lines, b"", b""]) + body


def _noise(rng: random.Random, most: int = 60) -> bytes:
    return rng.randbytes(rng.randint(0, most))


def _target(rng: random.Random) -> bytes:
    return rng.choice(
        [
            b"/api/v1/searches", b"//api/v1/searches", b"/api/v1/searches/%00", b"/api/v1/../metrics",
            b"/%2e%2e/metrics", b"/api/v1/searches/\xff", b"/" + b"a" * 5000, b"*", b"metrics",
            b"http://evil.example/metrics", b"/metrics?" + b"a=1&" * 800, b"/;/metrics", b"/metrics#x",
            b"/assets/..%2f..%2fapi%2fapp.py", b"/assets/%2e%2e/app.py", b"/api/v1/datasets/..%5c",
            b"/api/v1/searches/\xed\xa0\x80", b"/api/v1/searches?cursor=\xc3(", b"/metrics%20",
        ]
    )  # fmt: skip


def _line(rng: random.Random, host: bytes, key: bytes) -> bytes:
    """A request line that is none."""
    method = rng.choice([b"GET", b"get", b"G\0T", b"", b"GET GET", b"X" * 300, _noise(rng, 9)])
    version = rng.choice(
        [b"HTTP/1.1", b"HTTP/9.9", b"HTTP/1.1 x", b"http/1.1", b"", _noise(rng, 9)]
    )
    return _lines(b" ".join([method, _target(rng), version]), b"Host: " + host)


def _header(rng: random.Random, host: bytes, key: bytes) -> bytes:
    """Headers that are odd: names, values, folds, how many and how long."""
    odd = rng.choice(
        [
            b"X\0Y: 1", b"X Y: 1", b": 1", b"X", b"X : 1", b"X: \0", b" folded: 1", b"X: " + b"a" * 9000,
            b"Host: evil.example", b"X: \xff\xfe", b"X_Y: 1", b"Content-Length: -1",
            b"Content-Length: 1e3", b"Content-Length: " + b"9" * 60, b"Expect: 200-maybe",
            b"Connection: Authorization", b"X-Forwarded-For: 127.0.0.1", b"X-Forwarded-Host: x",
            b"X-HTTP-Method-Override: DELETE", b"X-Original-URL: /metrics", b"Forwarded: for=1",
            b"Authorization: " + _noise(rng).replace(b"\n", b""), b"Authorization: Bearer ",
            b"Authorization: Bearer \xff", b"Cookie: key=" + key.split()[-1][:9], b"Upgrade: h2c",
            b"\r\n".join(b"X%d: 1" % i for i in range(80)),
        ]
    )  # fmt: skip
    return _lines(b"GET /api/v1/searches HTTP/1.1", b"Host: " + host, odd)


def _hosts(rng: random.Random, host: bytes, key: bytes) -> bytes:
    """The Host header of somebody else, with a right key."""
    odd = rng.choice(
        [b"evil.example", b"", b"127.0.0.1@evil.example", b"[::1", b"a,b", _noise(rng, 20)]
    )
    return _lines(b"GET / HTTP/1.1", b"Host: " + odd.replace(b"\n", b""))


def _smuggled(rng: random.Random, host: bytes, key: bytes) -> bytes:
    """A request inside the body of another, with two opinions on where the body ends."""
    inner = _lines(b"GET /api/v1/searches HTTP/1.1", b"Host: " + host)
    framing = rng.choice(
        [
            [b"Content-Length: 4", b"Transfer-Encoding: chunked"],
            [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"],
            [b"Transfer-Encoding: xchunked"], [b"Transfer-Encoding : chunked"],
            [b"Transfer-Encoding: chunked, identity"], [b"Transfer-Encoding:\x0bchunked"],
            [b"Content-Length: 3", b"Content-Length: 300"], [b"Content-Length: 3, 300"],
            [b"Content-Length: +3"], [b"Content-Length: 0x10"], [b"Content-Length: 3\n"],
            [b"Transfer-Encoding: chunked"], [b"Content-Length: 0"],
        ]
    )  # fmt: skip
    keyed = [b"Authorization: " + key] if rng.random() < 0.3 else []
    head = [b"POST /api/v1/searches HTTP/1.1", b"Host: " + host, *keyed]
    body = rng.choice(
        [b"0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n", b"{}", b"5;x=\n\r\nabcde\r\n0\r\n\r\n"]
    )
    return _lines(*head, b"Content-Type: application/json", *framing, body=body + inner)


def _chunks(rng: random.Random, host: bytes, key: bytes) -> bytes:
    """A chunked body that is broken."""
    body = rng.choice(
        [
            b"zz\r\nabc\r\n0\r\n\r\n", b"-1\r\n\r\n", b"ffffffffffffffff\r\nx", b"3\r\nabcdef\r\n0\r\n\r\n",
            b"3\nabc\n0\n\n", b"2\r\n{}", b"0" * 400 + b"\r\n\r\n", b"2;" + b"e" * 9000 + b"\r\n{}\r\n0\r\n\r\n",
            b"2\r\n{}\r\n0\r\nX: 1\r\nHost: evil\r\n\r\n", b"", _noise(rng), b"1_0\r\n" + b"a" * 16,
        ]
    )  # fmt: skip
    return _lines(
        b"POST /api/v1/searches HTTP/1.1", b"Host: " + host, b"Authorization: " + key,
        b"Content-Type: application/json", b"Transfer-Encoding: chunked", body=body,
    )  # fmt: skip


_ODD_JSON = [
    b"[" * 50_000, b'{"a":' * 20_000, b"NaN", b'{"seed": 1e999}', b'{"name": "\\ud800"}', b"\xff\xfe",
    b'{"name": "\\u0000"}', b'{"a":1,"a":2}', b"9" * 10_000, b'{"dataset": {"$ref": "/etc/passwd"}}',
    b'{"space": {"__proto__": {"low": 0, "high": 1}}}', b"\xef\xbb\xbf{}", b'"' + b"\\" * 9999,
    b'{"space": {"learning_rate": {"low": -0.0, "high": 5e-324, "scale": "log"}}, "dataset": "iris"}',
    b'{"dataset": "iris", "space": {"batch_size": {"choices": [true, null, [], {}]}}}',
    b'{"rounds": 1.0000000000000001, "dataset": "\xed\xb0\x80"}', b"-", b"1e", b'{"a"', b"nul", b"\x00",
    b'{"dataset": "iris", "space": {"learning_rate": {"choices": [1e308, 1e-308, -1e308]}}}',
]  # fmt: skip


def _json(rng: random.Random, host: bytes, key: bytes) -> bytes:
    """A body that is odd JSON, whole or with some of its bytes changed."""
    body = bytearray(rng.choice(_ODD_JSON))
    for _ in range(rng.randint(0, 3)):
        body[rng.randrange(len(body))] = rng.randrange(256)
    length = len(body) + rng.choice([0, 0, 0, 1, -1, 1000])
    what = rng.choice([b"/api/v1/searches", b"/api/v1/keys"])
    return _lines(
        b"POST " + what + b" HTTP/1.1", b"Host: " + host, b"Authorization: " + key,
        b"Content-Type: application/json", b"Content-Length: %d" % length, body=bytes(body),
    )  # fmt: skip


def _anything(rng: random.Random, host: bytes, key: bytes) -> bytes:
    """Noise, or a good request with some bytes changed, cut off, or doubled."""
    if rng.random() < 0.3:
        return rng.randbytes(rng.randint(1, 3000))
    good = bytearray(_lines(b"GET /api/v1/searches HTTP/1.1", b"Host: " + host, b"Accept: */*"))
    for _ in range(rng.randint(1, 4)):
        good[rng.randrange(len(good))] = rng.randrange(256)
    return bytes(
        good[: rng.randint(1, len(good))] if rng.random() < 0.3 else good * rng.randint(1, 3)
    )


KINDS: dict[str, Maker] = {
    "line": _line,
    "header": _header,
    "host": _hosts,
    "smuggled": _smuggled,
    "chunks": _chunks,
    "json": _json,
    "anything": _anything,
}
