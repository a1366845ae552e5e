"""Training an external search: claim, train, report, until the search has ended.

    def train(order):               # hpsearch.report.views.OrderView
        model = build(order.params, seed=order.seed)
        while True:
            fit_one_epoch(model)
            yield score(model)      # on the test part where order.kind is "final"

    external.run(Client(url, key), search_id, train)

Any number of threads, processes and machines may do so at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hpsearch.client.arguments import Search, count, search_id
from hpsearch.client.client import Client
from hpsearch.client.trainer_pool import STARTS, Pool, Start, claimed
from hpsearch.client.trial_training import Held, Report, Train, raiser, train_here
from hpsearch.errors import InvalidRequest
from hpsearch.report import views

__all__ = ["PARALLEL_MOST", "WAIT_SECONDS", "Report", "Train", "run"]

WAIT_SECONDS = 20.0  # for which the service holds a claim while nothing is open
PARALLEL_MOST = 256


def run(
    client: Client,
    search: Search,
    train: Train,
    *,
    lease: float | None = None,
    wait: float = WAIT_SECONDS,
    parallel: int | None = None,
    start: Start = "spawn",
) -> views.StatusView:
    """Train trials of a search until it has ended; its last status.

    What `train` raises, and a value that the service refuses, fails its one trial. A score that is
    not finite says that it diverged. A training that ends before its last epoch is completed with
    the score it had. On Ctrl-C, and on SIGTERM where nobody else handles it, the trials at hand are
    returned, to be claimed by another trainer.

    Parameters
    ----------
    parallel
        Trials at a time, each in a process of its own; without it they are trained here, one after
        the other. A process that dies fails its one trial, and is replaced.
    start
        How those processes begin: spawn, forkserver, or thread for threads of this one. A process
        imports `train` from its module; one of a notebook has none, and needs threads.

    Raises
    ------
    InvalidRequest
        `train` cannot be had in other processes, or `parallel` or `start` is none; nothing was claimed.
    HpsearchError
        An error that the service answered with, or Unavailable.
    """
    if not callable(train):
        raise TypeError(f"train is {train!r}; give a function that takes an order")
    known = search_id(search)
    if start not in STARTS:
        raise InvalidRequest(f"start is {start!r}; give one of {', '.join(STARTS)}")
    if parallel is not None:
        number = count(parallel, "parallel")
        if not 1 <= number <= PARALLEL_MOST:
            raise InvalidRequest(
                f"parallel is {number}; give 1 to {PARALLEL_MOST} trials at a time"
            )
        pool = Pool(client, known, train, number, start, lease=lease, wait=wait)
        with _sigterm_raises():
            return pool.run()
    with _sigterm_raises():
        while True:
            claim = claimed(client, known, wait=wait, lease=lease)
            if isinstance(claim, views.StatusView):
                return claim
            if claim is not None:
                train_here(Held(client, claim), train)


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Within the block, let SIGTERM raise SystemExit, where its default would end the process."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, raiser(SystemExit))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
