"""A name server for one name, as an engine for containers has one for its services."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

A = 1  # the type of a record with an IPv4 address


def answer(query: bytes, name: str, addresses: Sequence[str]) -> bytes:
    """The reply to a query; of other types and names there is nothing."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode())
        at += 1 + length
    question = query[12 : at + 5]
    (kind,) = struct.unpack(">H", query[at + 1 : at + 3])
    known = addresses if (".".join(labels), kind) == (name, A) else []
    records = b"".join(
        struct.pack(">HHHLH", 0xC00C, A, 1, 1, 4) + socket.inet_aton(address) for address in known
    )
    return query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(known), 0, 0) + question + records


@contextmanager
def name_server(name: str, addresses: Sequence[str]) -> Iterator[str]:
    """HOST:PORT of a server that knows `name`, and nothing else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.1)
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                try:
                    query, sender = server.recvfrom(4096)
                except TimeoutError:
                    continue
                server.sendto(answer(query, name, addresses), sender)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            done.set()
            thread.join()
