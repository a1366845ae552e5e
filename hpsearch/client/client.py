"""The Python client: a method for each route of the contract."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Self

import httpx

from hpsearch.client import polling, trials_frame
from hpsearch.client.address import path_of
from hpsearch.client.dataset_upload import upload
from hpsearch.client.figure import Figure
from hpsearch.client.transport import Transport
from hpsearch.errors import Conflict, NotFound
from hpsearch.report.views import (
    DatasetView,
    HealthView,
    HeartbeatView,
    NextRoundView,
    OrderView,
    ResultView,
    RoundView,
    StatusView,
    TrialView,
    VerdictView,
)

if TYPE_CHECKING:
    from pandas import DataFrame

TIMEOUT = 30.0  # seconds until an answer begins
PATIENCE = 10.0  # seconds during which reads and submissions are repeated
WARM_STARTS = 8  # earlier searches that a spec may name


class Client:
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
        self._transport = Transport(url, key, timeout=timeout, patience=patience)
        self.url = self._transport.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    def ready(self) -> dict[str, Any]:
        """The answer of /readyz; Unavailable while a part of the service is not ready."""
        answer = self._transport.json("GET", "/readyz", once=True)
        return answer if isinstance(answer, dict) else {}

    # Searches

    def submit(self, spec: Mapping[str, Any] | bytes) -> StatusView:
        """POST a spec (its JSON bytes, or a mapping) and return the new search's status.

        Connection errors and 503 are answered by trying again under the same
        Idempotency-Key, so that one call makes one search.
        """
        body = spec if isinstance(spec, bytes) else json.dumps(spec).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        return self._transport.view(
            StatusView, "POST", path_of("searches"), content=body, headers=headers
        )

    def status(
        self, search: str, *, wait: float = 0.0, after: StatusView | None = None
    ) -> StatusView:
        """The status; with `wait`, as soon as its revision differs from that of `after`.

        After `wait` seconds without a change the status is returned as it is.
        """
        response = self._transport.send(
            "GET",
            path_of("searches", search),
            headers={} if after is None else {"If-None-Match": f'"{after.revision}"'},
            params={"wait": f"{wait:g}"} if wait else {},
            timeout=self._timeout(wait),
        )
        if response.status_code == httpx.codes.NOT_MODIFIED and after is not None:
            return after
        return self._transport.parse(StatusView, response)

    def follow(self, search: str | StatusView) -> Iterator[StatusView]:
        """The status now and after every change, until the search has ended.

        A service that is away for less than a minute is waited for.
        """
        first = self.status(search) if isinstance(search, str) else search
        return polling.changes(self.status, first)

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
        return polling.last(polling.changes(self.status, first, timeout=timeout), show=progress)

    def list(self, *, state: str | None = None, limit: int | None = None) -> Iterator[StatusView]:
        """The searches of this key, newest first."""
        items = self._transport.items(StatusView, path_of("searches"), {"state": state}, limit)
        yield from islice(items, limit)

    def rounds(self, search: str) -> Iterator[RoundView]:
        """The rounds so far, each with the decisions on its evidence."""
        yield from self._transport.items(RoundView, path_of("searches", search, "rounds"), {})

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
        with_curve = "true" if curve else None
        params = {"round": round, "state": state, "sort": sort, "curve": with_curve}
        yield from self._transport.items(TrialView, path_of("searches", search, "trials"), params)

    def trials_frame(self, search: str, *, state: str | None = None) -> DataFrame:
        """The trials as a pandas frame: a row each, a column for each hyperparameter.

        Raises
        ------
        Misconfigured
            pandas is not installed.
        """
        return trials_frame.of_trials(self.trials(search, state=state))

    def trials_csv(self, search: str, to: IO[bytes]) -> None:
        """Write all trials to an open file as the service's CSV."""
        path = path_of("searches", search, "trials")
        self._transport.download(path, to, headers={"Accept": "text/csv"})

    def figure(
        self, search: str, name: str, *, x: str | None = None, y: str | None = None
    ) -> Figure:
        """A figure of a search: ranges, trials, curves, surface or importance.

        x, y: the hyperparameters on the axes of `trials`. A notebook shows it by itself.
        """
        params = {axis: value for axis, value in (("x", x), ("y", y)) if value is not None}
        path = path_of("searches", search, "figures", name)
        answer = self._transport.json("GET", path, params=params)
        if not isinstance(answer, dict) or not {"data", "layout"} <= answer.keys():
            raise self._transport.not_understood(path, "no figure")
        return Figure(name, answer["data"], answer["layout"])

    def result(self, search: str) -> ResultView:
        """The best range and its test score; Conflict until the search has completed."""
        return self._transport.view(ResultView, "GET", path_of("searches", search, "result"))

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
        return self._transport.download_file(path_of("searches", search, "model"), file)

    def report_html(self, search: str, file: Path) -> Path:
        """Write everything about a search, figures included, to one HTML file; `file`.

        Raises
        ------
        InvalidRequest
            The file cannot be written.
        """
        return self._transport.download_file(path_of("searches", search, "report"), file)

    def health(self, search: str) -> HealthView:
        """Findings about a search in any state, each with its number and an advice."""
        return self._transport.view(HealthView, "GET", path_of("searches", search, "health"))

    def spec(self, search: str) -> dict[str, Any]:
        """The spec as it is now, edits and defaults written out; it can be submitted again."""
        path = path_of("searches", search, "spec")
        answer = self._transport.json("GET", path)
        if not isinstance(answer, dict):
            raise self._transport.not_understood(path, "no spec")
        return answer

    def edit(
        self, search: str, changes: Mapping[str, Any], *, seen: StatusView | None = None
    ) -> StatusView:
        """Change ranges, rounds, trials or epochs of a running search from its next round on.

        With `seen`, only if the search has not changed since that status.
        """
        path, headers = path_of("searches", search), _if_match(seen)
        return self._transport.view(
            StatusView, "PATCH", path, json=dict(changes), headers=headers, params={}
        )

    def preview(
        self, search: str, changes: Mapping[str, Any], *, seen: StatusView | None = None
    ) -> NextRoundView:
        """The next round as it would be with these changes, which are not made."""
        path, headers, params = path_of("searches", search), _if_match(seen), {"dry_run": "true"}
        return self._transport.view(
            NextRoundView, "PATCH", path, json=dict(changes), headers=headers, params=params
        )

    def continue_(self, search: str, *, rounds: int | None = None) -> StatusView:
        """Submit the spec of a search again, warm-started from it and from its own warm starts.

        The ranges are those that were asked for, edits included; the trials of the first search
        narrow them from the start. The seed is the next one, so that nothing is trained twice
        and the choice is not made on the same validation examples again.
        """
        spec = self.spec(search)
        earlier = [
            item
            for item in spec.get("warm_start", ())
            if not isinstance(item, str) or self._exists(item)
        ]
        changes: dict[str, Any] = {
            "warm_start": [*earlier, search][-WARM_STARTS:],
            "seed": int(spec.get("seed", 0)) + 1,
        }
        if rounds is not None:
            changes["rounds"] = rounds
        return self.submit({**spec, **changes})

    def _exists(self, search: str) -> bool:
        try:
            self.status(search)
        except NotFound:
            return False
        return True

    def pause(self, search: str) -> StatusView:
        """Hand out no more jobs; running ones end."""
        return self._steer(search, "pause")

    def resume(self, search: str) -> StatusView:
        """Go on with a paused search, or rerun the frozen final test of a failed one."""
        return self._steer(search, "resume")

    def cancel(self, search: str) -> StatusView:
        """End a search; its trials stay readable."""
        return self._steer(search, "cancel")

    def _steer(self, search: str, action: str) -> StatusView:
        return self._transport.view(StatusView, "POST", path_of("searches", search, action))

    def delete(self, search: str) -> None:
        """Remove an ended search and all its trials."""
        self._transport.send("DELETE", path_of("searches", search))

    # Datasets

    def datasets(self) -> Iterator[DatasetView]:
        """The datasets that this key can search on."""
        yield from self._transport.items(DatasetView, path_of("datasets"), {})

    def dataset(self, name: str) -> DatasetView:
        """A dataset: shape, classes, digest, licence."""
        return self._transport.view(DatasetView, "GET", path_of("datasets", name))

    def put_dataset(self, name: str, path: Path, *, label: str | None = None) -> DatasetView:
        """Upload a .npz or .csv file; `label` names the CSV column that holds the class."""
        return upload(self._transport, name, path, label=label)

    def delete_dataset(self, name: str) -> None:
        """Remove an uploaded dataset; Conflict while a search uses it."""
        self._transport.send("DELETE", path_of("datasets", name))

    # Trials of external searches

    def claim(
        self, search: str, *, wait: float = 0.0, lease: float | None = None
    ) -> OrderView | None:
        """The next trial to train; None where none is open within `wait` seconds.

        After `lease` seconds without a report or heartbeat the trial is given to somebody else.

        Raises
        ------
        Conflict
            The search has ended, or the service itself trains it.
        """
        params = {"wait": wait or None, "lease": lease}
        response = self._transport.send(
            "POST",
            path_of("searches", search, "trials", "claim"),
            params={name: f"{value:g}" for name, value in params.items() if value is not None},
            timeout=self._timeout(wait),
        )
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        return self._transport.parse(OrderView, response)

    def heartbeat(self, order: OrderView) -> HeartbeatView:
        """Begin the lease of a trial anew; Conflict where it was given to somebody else."""
        path, headers = _trial_path(order, "heartbeat"), _repeatable()
        body = {"token": order.lease.token}
        return self._transport.view(HeartbeatView, "POST", path, json=body, headers=headers)

    def report(
        self,
        order: OrderView,
        score: float | None = None,
        *,
        epoch: int | None = None,
        loss: float | None = None,
        state: Literal["diverged", "failed"] | None = None,
        message: str | None = None,
    ) -> VerdictView:
        """Report the score after an epoch (the last one, without `epoch`), or an end without one.

        Raises
        ------
        Conflict
            The trial was given to somebody else, or the epoch has another score already.
        InvalidRequest
            An epoch whose score has to be known first was left out.
        """
        fields = {"score": score, "epoch": epoch, "loss": loss, "state": state, "message": message}
        body = {name: value for name, value in fields.items() if value is not None}
        path, headers = _trial_path(order, "report"), _repeatable()
        body["token"] = order.lease.token
        return self._transport.view(VerdictView, "POST", path, json=body, headers=headers)

    def _timeout(self, wait: float) -> httpx.Timeout:
        """The timeout of a request that the service may hold for `wait` seconds."""
        timeout = self._transport.timeout
        return httpx.Timeout(timeout, read=timeout + wait)


def _if_match(seen: StatusView | None) -> dict[str, str]:
    return {} if seen is None else {"If-Match": f'"{seen.revision}"'}


def _trial_path(order: OrderView, action: str) -> str:
    return path_of("searches", order.search, "trials", order.trial, action)


def _repeatable() -> dict[str, str]:
    """Headers by which a request that got no answer is repeated; twice it changes nothing."""
    return {"Idempotency-Key": str(uuid.uuid4())}
