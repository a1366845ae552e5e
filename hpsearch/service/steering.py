"""Pause, resume and cancel: a request, and what each does to a search in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hpsearch.records import Act
from hpsearch.store import Tx
from hpsearch.trials import ACTIVE, SearchState


@dataclass(frozen=True, slots=True)
class Request:
    """A request to pause, resume or cancel a search.

    revision
        That the search has to be at; None for any.
    why
        An operator's reason, which the owner reads; None where the owner asks.
    """

    search: str
    owner: str
    revision: int | None = None
    why: str | None = None

    def reason(self, done: str) -> str | None:
        """The reason of a state that an operator brought about; None where the owner did."""
        return None if self.why is None else f"{done} by an operator: {self.why}"

    def note(self, tx: Tx, act: Act) -> None:
        """Add it to the audit."""
        detail: dict[str, Any] = {} if self.why is None else {"reason": self.why}
        tx.audit.add(act, self.search, owner=self.owner, **detail)


@dataclass(frozen=True, slots=True)
class Step:
    """A change of state.

    take
        Makes it in a transaction; False where the search is in no state for it.
    refusal
        The sentence then, with {id} and {state} of the search.
    """

    take: Callable[[Tx, Request], bool]
    refusal: str


def _pause(tx: Tx, asked: Request) -> bool:
    """Start nothing more of a search that works."""
    moved = tx.searches.move(
        asked.search,
        from_=[SearchState.QUEUED, SearchState.RUNNING],
        to=SearchState.PAUSED,
        reason=asked.reason("paused") or "paused on request",
        revision=asked.revision,
    )
    if moved:
        asked.note(tx, Act.SEARCH_PAUSED)
    return moved


def _unpause(tx: Tx, asked: Request) -> bool:
    """Go on with a paused search."""
    moved = tx.searches.unpause(asked.search, asked.revision, asked.reason("resumed"))
    if moved:
        asked.note(tx, Act.SEARCH_RESUMED)
    return moved


def _final_again(tx: Tx, asked: Request) -> bool:
    """Put the frozen final test back into the queue, if there is one."""
    if tx.final.get(asked.search) is None:
        return False
    moved = tx.searches.move(
        asked.search,
        from_=[SearchState.FAILED],
        to=SearchState.FINALIZING,
        reason=asked.reason("resumed") or "the frozen final test runs again on request",
        revision=asked.revision,
        finished_at=None,
    )
    if moved:
        tx.results.give_up_spare(asked.search)
        tx.final.requeue(asked.search)
        asked.note(tx, Act.SEARCH_RESUMED)
    return moved


def _cancel(tx: Tx, asked: Request) -> bool:
    """End a search and take back its work."""
    moved = tx.searches.move(
        asked.search,
        from_=ACTIVE,
        to=SearchState.CANCELLED,
        reason=asked.reason("cancelled") or "cancelled on request",
        revision=asked.revision,
    )
    if moved:
        tx.searches.cancel_work(asked.search)
        asked.note(tx, Act.SEARCH_CANCELLED)
    return moved


_FINAL_AGAIN = Step(_final_again, "search {id} failed before its final test; submit a new one")
STEPS: Final[Mapping[str, Step]] = {
    "pause": Step(_pause, "search {id} is {state}; this takes one that is queued or running"),
    "resume": Step(_unpause, "search {id} is {state}; this takes one that is paused"),
    "cancel": Step(_cancel, "search {id} is {state}; it cannot be cancelled"),
}


def step(action: str, state: SearchState) -> Step:
    """The step of an action of `STEPS`, for a search in this state."""
    again = action == "resume" and state is SearchState.FAILED
    return _FINAL_AGAIN if again else STEPS[action]
