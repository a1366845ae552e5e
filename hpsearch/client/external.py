"""Training an external search: claim, train, report, until the search has ended.

    def train(order):               # hpsearch.report.views.OrderView
        model = build(order.params, seed=order.seed)
        while True:
            fit_one_epoch(model)
            yield score(model)      # higher is better; on the test part where order.kind is "final"

    external.run(Client(url, key), search_id, train)

Any number of processes and machines may do so at once.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from hpsearch.client.client import Client
from hpsearch.errors import Conflict, HpsearchError, Unavailable
from hpsearch.report.views import OrderView, StatusView
from hpsearch.trials import RoundKind

log = logging.getLogger(__name__)

Train = Callable[[OrderView], Iterable[float]]
"""The scores of one trial, epoch by epoch."""

WAIT_SECONDS = 20.0  # for which the service holds a claim while nothing is open
BEATS = 3  # heartbeats in the time of a lease


def run(
    client: Client,
    search: str,
    train: Train,
    *,
    lease: float | None = None,
    wait: float = WAIT_SECONDS,
) -> StatusView:
    """Train trials of a search until it has ended; its last status.

    What `train` raises fails its one trial. A score that is not finite says that it diverged.

    Raises
    ------
    HpsearchError
        An error that the service answered with, or Unavailable.
    """
    while True:
        try:
            order = client.claim(search, wait=wait, lease=lease)
        except Conflict:
            status = client.status(search)
            if status.finished_at is None:
                raise
            return status
        if order is not None:
            _train(client, order, train)


def _train(client: Client, order: OrderView, train: Train) -> None:
    with _heartbeats(client, order) as lost:
        try:
            with _drop_if_lost(order):
                _report(client, order, train, lost)
        except HpsearchError:
            raise
        except Exception as error:  # whatever a training raises fails its one trial
            log.exception("trial %s failed", order.trial)
            message = f"{type(error).__name__}: {error}"[:2000]
            with _drop_if_lost(order):
                client.report(order, state="failed", message=message)


@contextmanager
def _drop_if_lost(order: OrderView) -> Iterator[None]:
    """Drop a report that is refused: its trial was cancelled, or given to somebody else."""
    try:
        yield
    except Conflict as error:
        log.warning("trial %s is not ours any more: %s", order.trial, error)


def _report(client: Client, order: OrderView, train: Train, lost: threading.Event) -> None:
    """Report scores until the service has had enough of them, or gave the trial away."""
    epoch = 0
    for epoch, score in enumerate(train(order), start=1):
        if lost.is_set():
            return
        if not math.isfinite(score):
            client.report(order, state="diverged")
            return
        # Only its last score is that of a final trial: the others would be a look at the test part.
        if order.kind is RoundKind.FINAL and epoch < order.epochs:
            continue
        if client.report(order, float(score), epoch=epoch).stop:
            return
    raise ValueError(f"the training ended after {epoch} of {order.epochs} epochs")


@contextmanager
def _heartbeats(client: Client, order: OrderView) -> Iterator[threading.Event]:
    """Send heartbeats from a thread; the event is set once the trial was given to somebody else."""
    over, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not over.wait(order.lease.seconds / BEATS):
            try:
                client.heartbeat(order)
            except Unavailable as error:  # the lease may outlast it
                log.warning("no heartbeat for trial %s: %s", order.trial, error)
            except HpsearchError:
                lost.set()
                return

    thread = threading.Thread(target=beat, name=f"heartbeat {order.trial}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        over.set()
        thread.join()
