"""Trials of one search side by side: a slot for each, which claims, has trained, and reports.

The connections with the service, leases and heartbeats stay in this process. A worker process gets
orders and gives scores, through a pipe of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal, Protocol, get_args

from hpsearch.client.client import Client
from hpsearch.client.trial_training import Held, Train, train_here
from hpsearch.client.trial_worker import WorkerProcess, checked_pickle
from hpsearch.errors import Conflict
from hpsearch.report.views import OrderView, StatusView

Start = Literal["spawn", "forkserver", "thread"]
STARTS: tuple[Start, ...] = get_args(Start)

CLAIM_SECONDS = 2.0  # for which a claim is held at the most: a stop waits for it
LOOK = 0.1  # seconds between two looks at whether all slots are done
THREAD_SECONDS = 10.0  # for which a stop waits for the next score of a thread


def claimed(
    client: Client, search: str, *, wait: float, lease: float | None
) -> OrderView | StatusView | None:
    """The next trial; the last status where the search has ended, None where no trial is open.

    Raises
    ------
    Conflict
        The search is not trained from outside.
    """
    try:
        return client.claim(search, wait=wait, lease=lease)
    except Conflict:
        status = client.status(search)
        if status.finished_at is None:
            raise
        return status


class Worker(Protocol):
    """A place where a slot's trials are trained, one after the other."""

    def prepare(self) -> None:
        """Be ready for a trial, however the last one ended."""

    def train(self, held: Held) -> None:
        """Have a trial trained and reported to its end."""

    def hand_back(self) -> None:
        """Return the trial at hand: the pool stops."""

    def close(self) -> None:
        """End, whatever is under way."""


class Pool:
    """Trains trials of a search, so many at a time, until it has ended."""

    def __init__(
        self,
        client: Client,
        search: str,
        train: Train,
        parallel: int,
        start: Start,
        *,
        lease: float | None,
        wait: float,
    ) -> None:
        self._client, self._search, self._train, self._start = client, search, train, start
        self._lease, self._wait = lease, min(wait, CLAIM_SECONDS)
        self._pickled = b"" if start == "thread" else checked_pickle(train)
        self._stop = threading.Event()
        self._faults: list[BaseException] = []
        self._end: StatusView | None = None
        self._workers = [self._worker() for _ in range(parallel)]

    def _worker(self) -> Worker:
        if self._start == "thread":
            return _Thread(self._train)
        return WorkerProcess(self._start, self._pickled, self._stop)

    def run(self) -> StatusView:
        """Train until the search has ended; its last status.

        Raises
        ------
        HpsearchError
            A worker cannot begin, or the service refuses.
        """
        slots = [_Slot(self._work, worker, n) for n, worker in enumerate(self._workers)]
        try:
            for slot in slots:
                slot.start()
            while not all(slot.done.is_set() for slot in slots):
                for slot in slots:
                    slot.done.wait(LOOK)
        finally:
            self._halt(slots)
        if self._faults:
            raise self._faults[0]
        return self._end or self._client.status(self._search)

    def _halt(self, slots: list[_Slot]) -> None:
        """Have every slot hand back its trial and end."""
        self._stop.set()
        for worker in self._workers:
            worker.hand_back()
        deadline = time.monotonic() + THREAD_SECONDS if self._start == "thread" else None
        for slot in slots:
            if slot.ident is not None:
                slot.done.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))

    def _work(self, worker: Worker) -> None:
        """Claim trials and have them trained, one after the other."""
        try:
            while not self._stop.is_set():
                worker.prepare()
                if self._stop.is_set():
                    return
                claim = claimed(self._client, self._search, wait=self._wait, lease=self._lease)
                if isinstance(claim, StatusView):
                    self._end = claim
                    return
                if claim is not None:
                    self._one(worker, Held(self._client, claim))
        except BaseException as error:  # noqa: BLE001  # raised by the main thread; sys.exit, too
            self._faults.append(error)
            self._stop.set()
            for other in self._workers:
                other.hand_back()
        finally:
            worker.close()

    def _one(self, worker: Worker, held: Held) -> None:
        if self._stop.is_set():
            held.give_back()
            return
        worker.train(held)


class _Slot(threading.Thread):
    """A thread that keeps a worker at work. Wait for `done`.

    A `join` that Ctrl-C interrupts takes a thread that runs for one that has ended, in Python 3.11 and
    3.12: the trial that it holds would not be handed back.
    """

    def __init__(self, work: Callable[[Worker], None], worker: Worker, number: int) -> None:
        # A thread that trains cannot be ended: it must not keep the program from its end.
        super().__init__(name=f"slot {number}", daemon=True)
        self._work, self._worker = work, worker
        self.done = threading.Event()

    def run(self) -> None:
        """Work to the end."""
        try:
            self._work(self._worker)
        finally:
            self.done.set()


class _Thread:
    """Trains in the slot's own thread."""

    def __init__(self, train: Train) -> None:
        self._train = train
        self._held: Held | None = None

    def prepare(self) -> None:
        """Nothing: a thread is always ready."""

    def train(self, held: Held) -> None:
        """Train a trial to its end."""
        self._held = held
        try:
            train_here(held, self._train)
        finally:
            self._held = None

    def hand_back(self) -> None:
        """Return the trial at hand; its training ends after its next score."""
        held = self._held
        if held is not None:
            held.give_back()

    def close(self) -> None:
        """Nothing: nothing is open."""
