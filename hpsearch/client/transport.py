"""Transport over HTTP: a connection pool, repeated requests, pages, typed answers and errors."""

from __future__ import annotations

import os
import random
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from hpsearch.client.address import checked_url, is_loopback, printable_key
from hpsearch.client.arguments import binary, file_path, number
from hpsearch.client.certificates import none_trusted, refused, trusted
from hpsearch.client.problems import error_from
from hpsearch.errors import InvalidRequest, Misconfigured, SystemFault, TooMany, Unavailable

PAGE = 200
FIRST_DELAY = 0.2  # seconds until a request is repeated; doubles up to LONGEST_DELAY
LONGEST_DELAY = 2.0

V = TypeVar("V", bound=BaseModel)


class _Opened(NamedTuple):
    """The connections of a process; those that it inherited are neither used nor closed by it."""

    process: int
    client: httpx.Client
    inherited: _Opened | None


class Transport:
    """Sends requests to the service at `url`, with `key` in every one of them.

    For `patience` seconds a request is repeated: one that reads, or that carries an
    Idempotency-Key, while nothing answers; any but an upload where a rate limit refused it.

    Threads share its connections. A process has its own: one that was forked from this one, or
    was sent a pickled copy, opens them anew.
    """

    def __init__(self, url: str, key: str | None, *, timeout: float, patience: float) -> None:
        self.url = checked_url(url)
        self.timeout = number(timeout, "timeout")
        self._patience = number(patience, "patience")
        secret = "" if key is None else printable_key(key)
        self._headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._opened: _Opened | None = self._open(None)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the connections, which belong to this process."""
        return {**self.__dict__, "_opened": None}

    @property
    def _http(self) -> httpx.Client:
        """The connections of this process."""
        opened = self._opened
        if opened is None or opened.process != os.getpid():
            opened = self._opened = self._open(opened)
        return opened.client

    def _open(self, inherited: _Opened | None) -> _Opened:
        local = is_loopback(self.url)
        if self.url.startswith("https:"):
            verify: ssl.SSLContext | bool = trusted()
        else:  # what leaves this machine may go through a proxy that shows a certificate
            verify = none_trusted() if local else True
        client = httpx.Client(
            headers=self._headers,
            timeout=self.timeout,
            verify=verify,
            # A proxy of the environment cannot reach this machine's own loopback.
            trust_env=not local,
        )
        return _Opened(os.getpid(), client, inherited)

    def close(self) -> None:
        """Give the connections of this process back."""
        if self._opened is not None and self._opened.process == os.getpid():
            self._opened.client.close()

    def view(self, kind: type[V], method: str, path: str, **options: Any) -> V:
        """Send a request; its answer as a view."""
        return self._validated(kind, self.json(method, path, **options))

    def parse(self, kind: type[V], response: httpx.Response) -> V:
        """The body of a response as a view."""
        return self._validated(kind, self._decoded(response))

    def items(
        self, kind: type[V], path: str, params: Mapping[str, object], limit: int | None = None
    ) -> Iterator[V]:
        """The items of all pages as views, each page fetched when it is reached."""
        query = {name: value for name, value in params.items() if value is not None}
        query["limit"] = PAGE if limit is None else max(1, min(limit, PAGE))
        while True:
            page = self.json("GET", path, params=query)
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise self.not_understood(path, "no page of items")
            for item in page["items"]:
                yield self._validated(kind, item)
            if not page.get("next"):
                return
            query["cursor"] = page["next"]

    def json(self, method: str, path: str, **options: Any) -> Any:
        """Send a request; its answer, decoded."""
        return self._decoded(self.send(method, path, **options))

    def send(self, method: str, path: str, *, once: bool = False, **options: Any) -> httpx.Response:
        """Send a request until it is answered or `patience` is over; with `once` a single time."""
        deadline = time.monotonic() + (0.0 if once else self._patience)
        delay = FIRST_DELAY
        while True:
            try:
                return self._request(method, path, **options)
            except (Unavailable, TooMany) as error:
                pause = delay * random.uniform(0.75, 1.25)  # noqa: S311  # jitter, no secret
                if isinstance(error, TooMany) and error.retry_after is not None:
                    pause = error.retry_after
                if not _harmless(error, method, options) or time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause)
            delay = min(2 * delay, LONGEST_DELAY)

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        with self._network_faults(method, path):
            response = self._http.request(method, self.url + path, **options)
        if response.is_success or response.status_code == httpx.codes.NOT_MODIFIED:
            return response
        raise error_from(response)

    def held(self, seconds: float) -> httpx.Timeout:
        """The timeout of a request that the service may hold for so many seconds."""
        return httpx.Timeout(self.timeout, read=self.timeout + seconds)

    def download(self, path: str, to: IO[bytes], **options: Any) -> None:
        """GET, piece by piece into `to`, which is not touched where the answer is an error."""
        with (
            self._network_faults("GET", path),
            self._http.stream("GET", self.url + path, **options) as response,
        ):
            if not response.is_success:
                response.read()
                raise error_from(response)
            for piece in response.iter_bytes():
                to.write(piece)

    def save(self, path: str, to: IO[bytes] | str | os.PathLike[str], **options: Any) -> None:
        """GET into a file, or into one that is open for bytes."""
        if isinstance(to, str | os.PathLike):
            self.download_file(path, to, **options)
        else:
            self.download(path, binary(to), **options)

    def download_file(self, path: str, to: str | os.PathLike[str], **options: Any) -> Path:
        """GET into a file that appears when it is complete; its path."""
        file = file_path(to)
        part = file.with_name(f"{file.name}.part")
        try:
            with part.open("wb") as opened:
                self.download(path, opened, **options)
            return part.replace(file)
        except OSError as error:
            raise InvalidRequest(f"{file}: {error.strerror or error}") from error
        finally:
            part.unlink(missing_ok=True)

    @contextmanager
    def _network_faults(self, method: str, path: str) -> Iterator[None]:
        """Raise faults of the network as Unavailable, and a certificate that does not hold as Misconfigured."""
        try:
            yield
        except httpx.TimeoutException as error:
            raise Unavailable(f"{self.url} did not answer in time ({method} {path})") from error
        except httpx.RequestError as error:
            if refusal := refused(error):
                raise Misconfigured(
                    f"{self.url} shows a certificate that is not trusted here ({refusal}); "
                    "SSL_CERT_FILE names the file of a CA of your own"
                ) from error
            why = str(error) or type(error).__name__
            raise Unavailable(
                f"no service answers at {self.url} ({why}); is `hpsearch serve` running there?"
            ) from error

    def _decoded(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise self.not_understood(response.url.path, str(error)) from error

    def _validated(self, kind: type[V], answer: object) -> V:
        try:
            return kind.model_validate(answer)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise self.not_understood(kind.__name__, f"{where}: {first['msg']}") from error

    def not_understood(self, what: str, why: str) -> SystemFault:
        """The error of an answer that is not of the contract."""
        return SystemFault(
            f"the answer of {self.url} was not understood ({what}: {why}); "
            "are client and service of the same version?"
        )


def _harmless(error: Unavailable | TooMany, method: str, options: Mapping[str, Any]) -> bool:
    """True where a request may be sent again: it does nothing twice, and its body is still there."""
    if isinstance(error, TooMany):  # nothing was done; an upload's file has been read
        return method != "PUT"
    return method == "GET" or "Idempotency-Key" in options.get("headers", ())
