"""One connection pool to one service; every method is one route of the contract."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from hpsearch.client.address import checked_url, is_loopback, path_of, printable_key
from hpsearch.client.problems import error_from
from hpsearch.errors import (
    InvalidRequest,
    SystemFault,
    Unavailable,
    UnsupportedType,
)
from hpsearch.report.views import (
    DatasetView,
    ResultView,
    RoundView,
    StatusView,
    TrialView,
)

TIMEOUT = 30.0  # seconds until an answer begins
UPLOAD_TIMEOUT = 300.0  # the service parses a whole dataset before it answers
PATIENCE = 10.0  # seconds during which a submission is repeated
FIRST_DELAY = 0.2  # seconds; doubles up to LONGEST_DELAY
LONGEST_DELAY = 2.0
PAGE = 200
CONTENT_TYPES = {".npz": "application/octet-stream", ".csv": "text/csv"}

V = TypeVar("V", bound=BaseModel)


class Client:
    """Speaks with the service at `url`, showing `key` with every request.

    Every method raises the errors of `hpsearch.errors` that the service answered with, and
    Unavailable when nothing answers. `patience` is for how many seconds `submit` tries again.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
    ) -> None:
        self.url = checked_url(url)
        self._patience = patience
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

    def ready(self) -> dict[str, Any]:
        """What /readyz says; Unavailable while a part of the service is not ready."""
        answer = self._json("GET", "/readyz")
        return answer if isinstance(answer, dict) else {}

    # Searches

    def submit(self, spec: Mapping[str, Any] | bytes) -> StatusView:
        """POST a spec (its JSON bytes, or a mapping) and return the new search's status.

        Connection errors and 503 are answered by trying again under the same
        Idempotency-Key, so that one call makes one search.
        """
        body = spec if isinstance(spec, bytes) else json.dumps(spec).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        deadline = time.monotonic() + self._patience
        delay = FIRST_DELAY
        while True:
            try:
                answer = self._json("POST", path_of("searches"), content=body, headers=headers)
                return self._view(StatusView, answer)
            except Unavailable:
                pause = delay * random.uniform(0.75, 1.25)  # noqa: S311  # jitter, no secret
                if time.monotonic() + pause > deadline:
                    raise
                time.sleep(pause)
                delay = min(2 * delay, LONGEST_DELAY)

    def status(
        self, search: str, *, wait: float = 0.0, after: StatusView | None = None
    ) -> StatusView:
        """The status; with `wait`, as soon as its revision differs from that of `after`.

        After `wait` seconds without a change the status is returned as it is.
        """
        headers = {} if after is None else {"If-None-Match": f'"{after.revision}"'}
        params = {"wait": f"{wait:g}"} if wait else {}
        timeout = httpx.Timeout(self._timeout, read=self._timeout + wait)
        response = self._send(
            "GET",
            path_of("searches", search),
            headers=headers,
            params=params,
            timeout=timeout,
        )
        if response.status_code == httpx.codes.NOT_MODIFIED and after is not None:
            return after
        return self._view(StatusView, self._decoded(response))

    def list(self, *, state: str | None = None, limit: int | None = None) -> Iterator[StatusView]:
        """The searches of this key, newest first."""
        items = self._items(path_of("searches"), {"state": state}, limit)
        for item in islice(items, limit):
            yield self._view(StatusView, item)

    def rounds(self, search: str) -> Iterator[RoundView]:
        """Every round so far, with what its evidence decided."""
        for item in self._items(path_of("searches", search, "rounds"), {}):
            yield self._view(RoundView, item)

    def trials(
        self,
        search: str,
        *,
        round: int | None = None,  # the contract's own word
        state: str | None = None,
        sort: str | None = None,
    ) -> Iterator[TrialView]:
        """All trials, page by page; `sort` is `-validation_accuracy` or `round`."""
        params = {"round": round, "state": state, "sort": sort}
        for item in self._items(path_of("searches", search, "trials"), params):
            yield self._view(TrialView, item)

    def result(self, search: str) -> ResultView:
        """The best range and its test score; Conflict until the search has completed."""
        return self._view(ResultView, self._json("GET", path_of("searches", search, "result")))

    def pause(self, search: str) -> StatusView:
        """Hand out no more jobs; running ones end."""
        return self._view(StatusView, self._json("POST", path_of("searches", search, "pause")))

    def resume(self, search: str) -> StatusView:
        """Go on with a paused search, or rerun the frozen final test of a failed one."""
        return self._view(StatusView, self._json("POST", path_of("searches", search, "resume")))

    def cancel(self, search: str) -> StatusView:
        """End a search; what it has trained stays readable."""
        return self._view(StatusView, self._json("POST", path_of("searches", search, "cancel")))

    def delete(self, search: str) -> None:
        """Remove an ended search and all its trials."""
        self._send("DELETE", path_of("searches", search))

    # Datasets

    def datasets(self) -> Iterator[DatasetView]:
        """Every dataset that this key can search on."""
        for item in self._items(path_of("datasets"), {}):
            yield self._view(DatasetView, item)

    def dataset(self, name: str) -> DatasetView:
        """One dataset: shape, classes, digest, licence."""
        return self._view(DatasetView, self._json("GET", path_of("datasets", name)))

    def put_dataset(self, name: str, path: Path, *, label: str | None = None) -> DatasetView:
        """Upload a .npz or .csv file; `label` names the CSV column that holds the class."""
        kind = CONTENT_TYPES.get(path.suffix.lower())
        if kind is None:
            raise UnsupportedType(f"{path}: a dataset is a .npz or a .csv file")
        try:
            with path.open("rb") as file:
                return self._upload(name, file, kind, label)
        except OSError as error:
            raise InvalidRequest(f"{path}: {error.strerror or error}") from error

    def delete_dataset(self, name: str) -> None:
        """Remove an uploaded dataset; Conflict while a search uses it."""
        self._send("DELETE", path_of("datasets", name))

    # One request

    def _upload(self, name: str, file: IO[bytes], kind: str, label: str | None) -> DatasetView:
        answer = self._json(
            "PUT",
            path_of("datasets", name),
            content=file,
            headers={"Content-Type": kind},
            params={"label": label} if label is not None else {},
            timeout=httpx.Timeout(self._timeout, read=UPLOAD_TIMEOUT, write=UPLOAD_TIMEOUT),
        )
        return self._view(DatasetView, answer)

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
