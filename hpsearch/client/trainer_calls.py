"""The calls of a trainer: claim a trial, keep it, report on it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import httpx

from hpsearch.client.address import path_of
from hpsearch.client.arguments import Search, count, number, search_id, text
from hpsearch.client.transport import Transport
from hpsearch.errors import InvalidReport, InvalidRequest, Mistake
from hpsearch.report import views

NO_REPORT = "this is no report of a trial"  # as the service says it
EndState = Literal["completed", "diverged", "failed", "returned"]


def claim(
    transport: Transport, search: Search, *, wait: float, lease: float | None
) -> views.OrderView | None:
    """Claim the next trial; None where none is open within `wait` seconds."""
    wait = number(wait, "wait")
    asked = {"wait": wait or None, "lease": None if lease is None else number(lease, "lease")}
    response = transport.send(
        "POST",
        path_of("searches", search_id(search), "trials", "claim"),
        params={name: f"{value:g}" for name, value in asked.items() if value is not None},
        timeout=transport.held(wait),
    )
    if response.status_code == httpx.codes.NO_CONTENT:
        return None
    return transport.parse(views.OrderView, response)


def heartbeat(transport: Transport, order: views.OrderView) -> views.HeartbeatView:
    """Begin the lease of a trial anew."""
    return transport.view(views.HeartbeatView, "POST", **_said(order, "heartbeat", {}))


def report(
    transport: Transport,
    order: views.OrderView,
    score: float | None,
    *,
    epoch: int | None,
    loss: float | None,
    state: EndState | None,
    message: str | None,
    metrics: Mapping[str, float] | None,
    cost: float | None,
    note: str | None,
    link: str | None,
    replicates: Iterable[float] | None,
) -> views.VerdictView:
    """Report a score, an end, or both."""
    fields: dict[str, Any] = {
        "score": None if score is None else _score(score),
        "epoch": None if epoch is None else count(epoch, "epoch"),
        "loss": None if loss is None else number(loss, "loss"),
        "state": None if state is None else text(state, "state"),
        "message": None if message is None else text(message, "message"),
        "metrics": None if metrics is None else _metrics(metrics),
        "cost": None if cost is None else _number(cost, "cost"),
        "note": None if note is None else text(note, "note"),
        "link": None if link is None else text(link, "link"),
        "replicates": None if replicates is None else _replicates(replicates),
    }
    said = {name: value for name, value in fields.items() if value is not None}
    return transport.view(views.VerdictView, "POST", **_said(order, "report", said))


def _score(value: Any) -> float:
    try:
        return number(value, "score")
    except InvalidRequest as error:
        raise InvalidRequest(f'{error}, or report state="diverged"') from error


def _replicates(values: Any) -> list[float]:
    """Scores of several trainings.

    Raises
    ------
    InvalidReport
        They are no numbers.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidReport(NO_REPORT, [Mistake("replicates", "give a list of scores")])
    return [_number(value, f"replicates[{i}]") for i, value in enumerate(values)]


def _metrics(values: Any) -> dict[str, float]:
    """Metrics by name.

    Raises
    ------
    InvalidReport
        They are no numbers by name, each with its path.
    """
    if not isinstance(values, Mapping):
        raise InvalidReport(NO_REPORT, [Mistake("metrics", "give a number for each name")])
    return {str(name): _number(value, f"metrics.{name}") for name, value in values.items()}


def _number(value: Any, path: str) -> float:
    try:
        return number(value, path)
    except (InvalidRequest, TypeError) as error:
        raise InvalidReport(NO_REPORT, [Mistake(path, str(error))]) from error


def _said(order: views.OrderView, action: str, body: dict[str, Any]) -> dict[str, Any]:
    """The request by which a trainer speaks of its trial; sent twice it changes nothing."""
    if not isinstance(order, views.OrderView):
        raise TypeError(f"the order is {type(order).__name__}; give what `claim` has returned")
    return {
        "path": path_of("searches", order.search, "trials", order.trial, action),
        "json": {**body, "token": order.lease.token},
        "headers": {"Idempotency-Key": str(uuid.uuid4())},
    }
