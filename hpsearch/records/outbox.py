"""Webhook deliveries as they are stored."""

from __future__ import annotations

from typing import NamedTuple

from hpsearch.trials import SearchState


class DeliveryRecord(NamedTuple):
    """The delivery of one end of a search; `due_at` is None once it was made or given up."""

    search_id: str
    state: SearchState
    attempts: int = 0
    due_at: float | None = None
    delivered_at: float | None = None
    error: str | None = None


class DueDelivery(NamedTuple):
    """A delivery that is to be made now, with the search's name and the receiver's address."""

    id: str
    search_id: str
    state: SearchState
    ended_at: float
    attempts: int
    name: str
    webhook: str
