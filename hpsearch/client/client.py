"""Every method is one route of the contract."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import httpx

from hpsearch.client import following, frames
from hpsearch.client.address import path_of
from hpsearch.client.figure import Figure
from hpsearch.client.library import Library
from hpsearch.client.trainers import Trainers
from hpsearch.errors import Conflict, NotFound
from hpsearch.report.views import (
    HealthView,
    NextRoundView,
    ResultView,
    RoundView,
    StatusView,
    TrialView,
)

if TYPE_CHECKING:
    from pandas import DataFrame

TIMEOUT = 30.0  # seconds until an answer begins
PATIENCE = 10.0  # seconds during which reads and submissions are repeated
WARM_STARTS = 8  # earlier searches that a spec may name


class Client(Library, Trainers):
    """Speaks with the service at `url`, showing `key` with every request.

    Every method raises the errors of `hpsearch.errors` that the service answered with, and
    Unavailable when nothing answers. For `patience` seconds what reads and `submit` are tried
    again, with growing pauses, and whatever a rate limit refuses.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(url, key, timeout=timeout, patience=patience)

    def ready(self) -> dict[str, Any]:
        """What /readyz says; Unavailable while a part of the service is not ready."""
        answer = self._json("GET", "/readyz", once=True)
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
        answer = self._json("POST", path_of("searches"), content=body, headers=headers)
        return self._view(StatusView, answer)

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

    def follow(self, search: str | StatusView) -> Iterator[StatusView]:
        """The status now and after every change, until the search has ended.

        A service that is away for less than a minute is waited for.
        """
        first = self.status(search) if isinstance(search, str) else search
        return following.changes(self.status, first)

    def wait(
        self, search: str, *, progress: bool = True, timeout: float | None = None
    ) -> StatusView:
        """The status at the end of a search; `state` says whether it completed.

        With `progress` a line of it is kept up to date in a terminal and in a notebook.

        Raises
        ------
        Conflict
            The search has not ended after `timeout` seconds; it goes on.
        """
        first = self.status(search)
        return following.last(following.changes(self.status, first, timeout=timeout), show=progress)

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
        curve: bool = False,
    ) -> Iterator[TrialView]:
        """All trials, page by page; `sort` is `-validation_accuracy` or `round`.

        With `curve` each has its learning curve.
        """
        shown = "true" if curve else None
        params = {"round": round, "state": state, "sort": sort, "curve": shown}
        for item in self._items(path_of("searches", search, "trials"), params):
            yield self._view(TrialView, item)

    def trials_frame(self, search: str, *, state: str | None = None) -> DataFrame:
        """The trials as a pandas frame: a row each, a column for each hyperparameter.

        Raises
        ------
        Misconfigured
            pandas is not installed.
        """
        return frames.of_trials(self.trials(search, state=state))

    def trials_csv(self, search: str, to: IO[bytes]) -> None:
        """Write all trials to an open file as the service's CSV."""
        path = path_of("searches", search, "trials")
        self._download(path, to, headers={"Accept": "text/csv"})

    def figure(
        self, search: str, name: str, *, x: str | None = None, y: str | None = None
    ) -> Figure:
        """A figure of a search: ranges, trials, curves, surface or importance.

        x, y: the hyperparameters on the axes of `trials`. A notebook shows it by itself.
        """
        params = {axis: value for axis, value in (("x", x), ("y", y)) if value is not None}
        path = path_of("searches", search, "figures", name)
        answer = self._json("GET", path, params=params)
        if not isinstance(answer, dict) or not {"data", "layout"} <= answer.keys():
            raise self._not_understood(path, "no figure")
        return Figure(name, answer["data"], answer["layout"])

    def result(self, search: str) -> ResultView:
        """The best range and its test score; Conflict until the search has completed."""
        return self._view(ResultView, self._json("GET", path_of("searches", search, "result")))

    def result_if_any(self, search: str) -> ResultView | None:
        """The result; None of a search that has not completed."""
        try:
            return self.result(search)
        except Conflict:
            return None

    def model(self, search: str, file: Path) -> Path:
        """Write the trained winner to `file`, which `hpsearch.nn.Model.load` reads; `file`.

        Raises
        ------
        Conflict, NotFound
            The search has not completed, or keeps no model; nothing is written then.
        InvalidRequest
            The file cannot be written.
        """
        return self._kept(path_of("searches", search, "model"), file)

    def report_html(self, search: str, file: Path) -> Path:
        """Write everything about a search, figures included, to one HTML file; `file`.

        Raises
        ------
        InvalidRequest
            The file cannot be written.
        """
        return self._kept(path_of("searches", search, "report"), file)

    def health(self, search: str) -> HealthView:
        """What a careful reader of the search should know, in whatever state it is."""
        return self._view(HealthView, self._json("GET", path_of("searches", search, "health")))

    def spec(self, search: str) -> dict[str, Any]:
        """The spec as it is now, edits and defaults written out; it can be submitted again."""
        path = path_of("searches", search, "spec")
        answer = self._json("GET", path)
        if not isinstance(answer, dict):
            raise self._not_understood(path, "no spec")
        return answer

    def edit(
        self, search: str, changes: Mapping[str, Any], *, seen: StatusView | None = None
    ) -> StatusView:
        """Change ranges, rounds, trials or epochs of a running search from its next round on.

        With `seen`, only if the search has not changed since that status.
        """
        return self._view(StatusView, self._patch(search, changes, seen, {}))

    def preview(
        self, search: str, changes: Mapping[str, Any], *, seen: StatusView | None = None
    ) -> NextRoundView:
        """What the next round would be with these changes, which are not made."""
        answer = self._patch(search, changes, seen, {"dry_run": "true"})
        return self._view(NextRoundView, answer)

    def continue_(self, search: str, *, rounds: int | None = None) -> StatusView:
        """Submit the spec of a search again, warm-started from it and from what it began with.

        The ranges are those that were asked for, edits included; what the first search has seen
        narrows them from the start. The seed is the next one, so that nothing is trained twice
        and the choice is not made on the same validation examples again.
        """
        spec = self.spec(search)
        before = [
            one
            for one in spec.get("warm_start", ())
            if not isinstance(one, str) or self._is_there(one)
        ]
        more = {
            "warm_start": [*before, search][-WARM_STARTS:],
            "seed": int(spec.get("seed", 0)) + 1,
        }
        return self.submit({**spec, **more, **({} if rounds is None else {"rounds": rounds})})

    def _is_there(self, search: str) -> bool:
        """Whether a search has not been deleted."""
        try:
            self.status(search)
        except NotFound:
            return False
        return True

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

    # One request

    def _patch(
        self,
        search: str,
        changes: Mapping[str, Any],
        seen: StatusView | None,
        params: Mapping[str, str],
    ) -> Any:
        headers = {} if seen is None else {"If-Match": f'"{seen.revision}"'}
        path = path_of("searches", search)
        return self._json("PATCH", path, json=dict(changes), headers=headers, params=params)
