"""The routes of whoever trains an external search."""

from __future__ import annotations

import uuid
from typing import Any, Literal

import httpx

from hpsearch.client.address import path_of
from hpsearch.client.wire import Wire
from hpsearch.report.views import HeartbeatView, OrderView, VerdictView


class Trainers(Wire):
    """Claim a trial, keep it, report its scores."""

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
        given = {"wait": wait or None, "lease": lease}
        response = self._send(
            "POST",
            path_of("searches", search, "trials", "claim"),
            params={name: f"{value:g}" for name, value in given.items() if value is not None},
            timeout=httpx.Timeout(self._timeout, read=self._timeout + wait),
        )
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        return self._view(OrderView, self._decoded(response))

    def heartbeat(self, order: OrderView) -> HeartbeatView:
        """Begin the lease of a trial anew; Conflict where it was given to somebody else."""
        return self._view(HeartbeatView, self._say(order, "heartbeat", {}))

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
        said = {"score": score, "epoch": epoch, "loss": loss, "state": state, "message": message}
        return self._view(VerdictView, self._say(order, "report", said))

    def _say(self, order: OrderView, what: str, said: dict[str, Any]) -> Any:
        body = {name: value for name, value in said.items() if value is not None}
        return self._json(
            "POST",
            path_of("searches", order.search, "trials", order.trial, what),
            json={"token": order.lease.token, **body},
            # Said twice it changes nothing, so it may be said again where no answer came.
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
