"""The calls of a client that trains an external search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hpsearch.client import trainer_calls
from hpsearch.client.arguments import Search
from hpsearch.client.connection import Connection
from hpsearch.report import views


class TrainerClient(Connection):
    """The calls of a trainer: claim a trial, keep it, report on it."""

    def claim(
        self, search: Search, *, wait: float = 0.0, lease: float | None = None
    ) -> views.OrderView | None:
        """The next trial to train; None where none is open within `wait` seconds.

        After `lease` seconds without a report or heartbeat the trial is given to somebody else.

        Raises
        ------
        Conflict
            The search has ended, or the service itself trains it.
        """
        return trainer_calls.claim(self._transport, search, wait=wait, lease=lease)

    def heartbeat(self, order: views.OrderView) -> views.HeartbeatView:
        """Begin the lease of a trial anew; Conflict where it was given to somebody else."""
        return trainer_calls.heartbeat(self._transport, order)

    def report(
        self,
        order: views.OrderView,
        score: float | None = None,
        *,
        epoch: int | None = None,
        loss: float | None = None,
        state: trainer_calls.EndState | None = None,
        message: str | None = None,
        metrics: Mapping[str, float] | None = None,
        cost: float | None = None,
        note: str | None = None,
        link: str | None = None,
        replicates: Iterable[float] | None = None,
    ) -> views.VerdictView:
        """Report the score after an epoch (the last one, without `epoch`), or how a trial ended.

        state
            completed: the training is over before its last epoch, and its last score stands;
            diverged: the worst score; failed: it says nothing about the parameters; returned: the
            trial waits for another trainer, and its scores are forgotten.
        metrics
            Other numbers by name, which are shown beside the score; the last ones are kept.
        cost
            Of the trial so far, in all.
        note, link
            Text for people, and an http(s) address; the last ones are kept.
        replicates
            In place of `score`, which is their mean: scores of several trainings of this trial, with a
            seed each. Each counts as a training of its parameters.

        Raises
        ------
        Conflict
            The trial was given to somebody else, or the epoch has another score already.
        InvalidRequest
            An epoch whose score has to be known first was left out; a score that is not finite.
        InvalidReport
            A metric, a cost, a note or a link that cannot be; nothing of the report is stored.
        """
        return trainer_calls.report(
            self._transport, order, score, epoch=epoch, loss=loss, state=state, message=message,
            metrics=metrics, cost=cost, note=note, link=link, replicates=replicates,
        )  # fmt: skip
