"""A proxy of our own in front of a server: it delays, swallows, resets and cuts on request.

Clients connect over TCP on the loopback; the server behind may be on a Unix socket. What it
does to its connections is what networks do to them, so that drivers meet the real errors.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Target = Path | tuple[str, int]
CHUNK = 65_536
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: close sends RST, not FIN


class Link:
    """One client's connection and the one to the server that answers it."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._proxy = proxy
        self._reader, self._client = reader, writer
        self._server: asyncio.StreamWriter | None = None
        self._left: int | None = None  # bytes that the client may still get
        self._half_open = False
        self._tap = proxy.tap() if proxy.tap else None

    async def run(self) -> None:
        """Carry bytes both ways until one side is gone."""
        try:
            answers, self._server = await self._proxy.connect()
        except OSError:
            self.reset()
            return
        up = asyncio.ensure_future(self._pump(self._reader, self._asked))
        down = asyncio.ensure_future(self._pump(answers, self._answered))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if self._half_open and not up.done():
                await up  # until the client gives up by itself
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            for writer in (self._client, self._server):
                writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, forward: Callable[[bytes], Awaitable[None]]
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._proxy.passage()
                await forward(data)

    async def _asked(self, data: bytes) -> None:
        if self._tap is not None:
            data = self._tap(self, data)
        if self._server is None or self._half_open or not data:
            return
        self._server.write(data)
        await self._server.drain()

    async def _answered(self, data: bytes) -> None:
        if self._left is not None:
            whole, data = len(data), data[: self._left]
            self._left -= len(data)
            if len(data) < whole:
                if data:
                    self._client.write(data)
                    await self._client.drain()
                self.reset()
                return
        self._client.write(data)
        await self._client.drain()

    def cut_after(self, count: int) -> None:
        """Reset once `count` more bytes of the server have come through."""
        self._left = count

    def half_open(self) -> None:
        """Leave the server without telling the client: it waits for an answer for ever."""
        self._half_open = True
        if self._server is not None:
            self._server.transport.abort()

    def reset(self) -> None:
        """RST to the client; the server sees its connection close."""
        for writer in (self._client, self._server):
            if writer is None:
                continue
            known = writer.get_extra_info("socket")
            if known is not None and known.family != socket.AF_UNIX:
                with suppress(OSError):  # it is closed already
                    known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()


Tap = Callable[[Link, bytes], bytes]


class Proxy:
    """Listens on `port` of the loopback and stands in front of `target`.

    `tap` makes, for each connection, a function that sees what the client says and returns
    what the server hears; it runs in the proxy's thread.
    """

    def __init__(self, target: Target, *, tap: Callable[[], Tap] | None = None) -> None:
        self.target = target
        self.tap = tap
        self.delay = 0.0  # seconds for each piece, each way
        self.refusing = False  # new connections are reset
        self.port = 0
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._open.set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        """Listen; `port` is known afterwards."""
        self._thread.start()
        self._call(self._listen())

    def close(self) -> None:
        """Reset every connection and stop listening."""
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._links)

    @contextmanager
    def black_hole(self) -> Iterator[None]:
        """Nothing comes through for the length of the block; then all of it does."""
        self._loop.call_soon_threadsafe(self._open.clear)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._open.set)

    def reset(self) -> int:
        """RST on every connection; how many there were."""
        return self._each(Link.reset)

    def half_open(self) -> int:
        """Half-open every connection; how many there were."""
        return self._each(Link.half_open)

    def cut_after(self, count: int) -> int:
        """Cut every connection after `count` more bytes of answers; how many there were."""
        return self._each(lambda link: link.cut_after(count))

    # In the proxy's thread

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the server."""
        if self.refusing:
            raise ConnectionRefusedError
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection(*self.target)

    async def passage(self) -> None:
        """What a piece waits for."""
        await self._open.wait()
        if self.delay:
            await asyncio.sleep(self.delay)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(self, reader, writer)
        self._links.add(link)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await link.run()
        except asyncio.CancelledError:
            pass  # by `_end`: asyncio's own callback would complain of a cancelled client
        finally:
            self._links.discard(link)
            self._tasks.discard(task)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        self._open.set()
        for link in list(self._links):
            link.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _each(self, what: Callable[[Link], None]) -> int:
        async def do() -> int:
            links = list(self._links)
            for link in links:
                what(link)
            return len(links)

        return self._call(do())

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


@contextmanager
def before(target: Target, *, tap: Callable[[], Tap] | None = None) -> Iterator[Proxy]:
    """A proxy in front of `target` for the length of the block."""
    proxy = Proxy(target, tap=tap)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.close()
