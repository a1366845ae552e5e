"""The training of one claimed trial: it is kept by heartbeats, and its scores become reports."""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from hpsearch.client.arguments import as_number, printable
from hpsearch.client.client import Client
from hpsearch.errors import (
    Conflict,
    HpsearchError,
    InvalidReport,
    InvalidRequest,
    InvalidSpec,
    NotFound,
    TooLarge,
)
from hpsearch.report.views import OrderView
from hpsearch.trials import RoundKind, mean_score

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """A score with what belongs to it, to be yielded or returned in place of the score alone.

    replicates
        In place of the score, which is their mean: scores of several trainings of this trial, with a
        seed each. Each counts as a training of its parameters.
    metrics
        Other numbers by name, which are shown beside the score; the last ones are kept.
    cost
        Of the trial so far, in all.
    note, link
        Text for people, and an http(s) address, of a run's page for example; the last ones are kept.
    """

    score: float | None = None
    metrics: Mapping[str, float] | None = None
    cost: float | None = None
    note: str | None = None
    link: str | None = None
    replicates: Sequence[float] | None = None


Train = Callable[[OrderView], Iterable[float | Report] | float | Report]
"""The scores of one trial, epoch by epoch; or its last one alone."""

BEATS = 3  # heartbeats in the time of a lease
MESSAGE_MOST = 2000  # characters
BAD_VALUE = (
    InvalidRequest,
    InvalidReport,
    InvalidSpec,
    TooLarge,
    TypeError,
)  # what one report said, and no other would
NO_EPOCHS = 'a training without epochs says "epochs": {"first": 1, "last": 1} in its spec'


def raiser(exit_class: type[SystemExit]) -> Callable[[int, object], None]:
    """Return a handler of a signal that raises in this process, and ends those that it forks."""
    process = os.getpid()

    def leave(number: int, _frame: object) -> None:
        if os.getpid() != process:  # a child that the training forked: it holds no trial
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        raise exit_class(128 + number)

    return leave


class Held:
    """A trial in the hands of this trainer, until one of the two sides has ended it."""

    def __init__(self, client: Client, order: OrderView) -> None:
        self.order = order
        self._client = client
        self._process = os.getpid()
        self._over = threading.Event()

    @property
    def over(self) -> bool:
        """True where nothing of the trial is wanted any more."""
        return self._over.is_set()

    def lost(self) -> None:
        """Note that the trial was cancelled, or given to somebody else."""
        self._over.set()

    def report(self, **what: Any) -> bool:
        """Report, unless the trial is over; True where it is now."""
        if self._over.is_set() or os.getpid() != self._process:  # a child that was forked
            return True
        try:
            over = self._client.report(self.order, **what).stop
        except Conflict as error:
            log.warning("trial %s is not ours any more: %s", self.order.trial, error)
            over = True
        if over:
            self._over.set()
        return over

    def give_back(self) -> None:
        """Return the trial, as far as the service can be reached."""
        try:
            self.report(state="returned")
        except HpsearchError as error:
            log.warning("trial %s could not be returned: %s", self.order.trial, error)

    @contextmanager
    def heartbeats(self) -> Iterator[None]:
        """Send heartbeats from a thread."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(self.order.lease.seconds / BEATS):
                try:
                    self._client.heartbeat(self.order)
                except (Conflict, NotFound):
                    self.lost()
                    return
                except HpsearchError as error:  # the lease may outlast it
                    log.warning("no heartbeat for trial %s: %s", self.order.trial, error)

        thread = threading.Thread(target=beat, name=f"heartbeat {self.order.trial}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def train_here(held: Held, train: Train) -> None:
    """Train a trial, and report until the service has had enough of it, or gave it away."""
    with held.heartbeats():
        try:
            with closing(reports_of(held.order, train)) as reports:
                for report in reports:
                    if told(held, report):
                        return
        except HpsearchError:
            raise
        except BaseException:  # Ctrl-C, SIGTERM
            held.give_back()
            raise


def told(held: Held, report: Mapping[str, Any]) -> bool:
    """Report, and where the service refuses what is said, that the trial has failed; True where it is over."""
    try:
        return held.report(**report)
    except BAD_VALUE as error:
        said = printable(str(error))
        log.warning("trial %s fails: %s", held.order.trial, said)
        held.report(state="failed", message=said[:MESSAGE_MOST])
        return True


def reports_of(order: OrderView, train: Train) -> Generator[Mapping[str, Any]]:
    """The reports of a training: its scores, then how it ended if that was early."""
    epoch, last = 0, None
    try:
        for epoch, last in enumerate(_reports(order, train), start=1):
            if not math.isfinite(_mean(last)):
                yield {**_rest(last), "state": "diverged"}
                return
            # Only its last score is that of a final trial: others would look at the test part.
            if order.kind is not RoundKind.FINAL or epoch >= order.epochs:
                yield {**_rest(last), **_score(last), "epoch": epoch}
        if last is None:
            message = f"the training of {order.epochs} epochs has no score; {NO_EPOCHS}"
            yield {"state": "failed", "message": message}
            return
        if epoch == 1:
            log.warning(
                "trial %s ends after 1 of %d epochs; %s", order.trial, order.epochs, NO_EPOCHS
            )
        yield {**_rest(last), **_score(last), "epoch": epoch, "state": "completed"}
    except Exception as error:  # noqa: BLE001  # whatever it raises fails its one trial
        # As text: a log in a file refuses a line with half a pair of surrogates.
        log.error("trial %s failed\n%s", order.trial, printable(traceback.format_exc()))  # noqa: TRY400
        said = "".join(traceback.format_exception_only(error)).strip()
        yield {"state": "failed", "message": printable(said)[:MESSAGE_MOST]}


def _rest(report: Report) -> dict[str, Any]:
    """The fields of a report beside its score."""
    names = ("metrics", "cost", "note", "link")
    rest = {name: getattr(report, name) for name in names}
    return {name: _plain(value) for name, value in rest.items() if value is not None}


def _score(report: Report) -> dict[str, Any]:
    """The score of a report, or its replicates."""
    if report.replicates is None:
        return {"score": report.score}
    return {"replicates": list(report.replicates)}


def _mean(report: Report) -> float:
    """The score of a report that was checked; of replicates their mean, NaN where one of them is none."""
    assert report.score is not None
    return report.score


def _plain(value: Any) -> Any:
    """Numbers of other libraries as Python's own, which any process can read; the rest as it is."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    number = as_number(value)
    return value if number is None else number


def _reports(order: OrderView, train: Train) -> Iterator[Report]:
    """The scores that a training yields, and the one that it returns, each as a report."""
    made: Any = train(order)
    if made is None:
        return
    alone = isinstance(made, Report) or as_number(made) is not None
    for item in [made] if alone else _yielded_and_returned(made):
        report = item if isinstance(item, Report) else Report(item)
        yield (
            replace(report, score=_number(report.score))
            if report.replicates is None
            else (_with_mean(report, report.replicates))
        )


def _number(score: Any) -> float:
    value = as_number(score)
    if value is None:
        raise TypeError(
            f"a score is {score!r}; yield a number after each epoch, or return the last one"
        )
    return value


def _with_mean(report: Report, replicates: Sequence[float]) -> Report:
    """A report with replicates, and their mean for its score."""
    if report.score is not None:
        raise TypeError("a report has a score and replicates; give one of both")
    numbers = [_number(one) for one in replicates]
    if len(numbers) < 2:
        raise TypeError(f"replicates are {numbers}; give two or more, or a score")
    return replace(report, score=mean_score(numbers), replicates=numbers)


def _yielded_and_returned(made: Generator[Any, None, Any]) -> Iterator[Any]:
    last = yield from made
    if last is not None:
        yield last
