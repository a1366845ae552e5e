"""One connection pool to one service: requests, answers, pages, and the errors they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from hpsearch.client.address import checked_url, is_loopback, printable_key
from hpsearch.client.problems import error_from
from hpsearch.errors import SystemFault, Unavailable

PAGE = 200

V = TypeVar("V", bound=BaseModel)


class Wire:
    """Speaks with the service at `url`, showing `key` with every request."""

    def __init__(
        self,
        url: str,
        key: str | None,
        *,
        timeout: float,
    ) -> None:
        self.url = checked_url(url)
        self._timeout = timeout
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {printable_key(key)}"} if key else {},
            timeout=timeout,
            # A proxy of the environment cannot reach this machine's own loopback.
            trust_env=not is_loopback(url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _items(
        self, path: str, params: Mapping[str, object], limit: int | None = None
    ) -> Iterator[Any]:
        """The items of all pages, each page fetched when it is reached."""
        given = {name: value for name, value in params.items() if value is not None}
        given["limit"] = PAGE if limit is None else max(1, min(limit, PAGE))
        while True:
            page = self._json("GET", path, params=given)
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise self._not_understood(path, "no page of items")
            yield from page["items"]
            if not page.get("next"):
                return
            given["cursor"] = page["next"]

    def _json(self, method: str, path: str, **options: Any) -> Any:
        return self._decoded(self._send(method, path, **options))

    def _decoded(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise self._not_understood(response.url.path, str(error)) from error

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, self.url + path, **options)
        except httpx.TimeoutException as error:
            raise Unavailable(f"{self.url} did not answer in time ({method} {path})") from error
        except httpx.RequestError as error:
            why = str(error) or type(error).__name__
            raise Unavailable(
                f"no service answers at {self.url} ({why}); is `hpsearch serve` running there?"
            ) from error
        if response.is_success or response.status_code == httpx.codes.NOT_MODIFIED:
            return response
        raise error_from(response)

    def _view(self, kind: type[V], answer: object) -> V:
        try:
            return kind.model_validate(answer)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise self._not_understood(kind.__name__, f"{where}: {first['msg']}") from error

    def _not_understood(self, what: str, why: str) -> SystemFault:
        return SystemFault(
            f"the answer of {self.url} was not understood ({what}: {why}); "
            "are client and service of the same version?"
        )
