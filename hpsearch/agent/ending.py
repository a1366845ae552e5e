"""The reports of a trial: what follows from its scores while it runs, and from how its command ended."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hpsearch.agent.scores import Score
from hpsearch.report.views import OrderView
from hpsearch.trials import REPLICATES_MOST, RoundKind, mean_score

EARLIER = "their means with an `epoch` before the last"
MESSAGE_MOST = 2000  # characters, that the service takes
LAST_LINES = "; its last lines:\n"
NO_SCORE = (
    "it ended with exit status 0 and without a score: standard output needs a line such as `score=0.93`, or "
    "`epoch=3 score=0.93` after each epoch"
)

Report = Mapping[str, Any]


class Misfit(Exception):
    """The command does not fit the search, whatever the trial: it must not cost every trial of it."""


def status_words(status: int) -> str:
    """The end of a command for people: -9 and 137 are the same, of a command and of its shell."""
    number = -status if status < 0 else status - 128
    try:
        return f"signal {signal.Signals(number).value}"
    except ValueError:
        return f"exit status {status}"


def ended_by_request(status: int) -> bool:
    """True where a command ended by a signal that asks for an end."""
    asking = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
    return any(status in (-number, 128 + number) for number in asking)


def failed(why: str, tail: str = "") -> Report:
    """The report of a failure, with the last lines of the output."""
    message = f"{why}{LAST_LINES}{tail}" if tail else why
    return {"state": "failed", "message": message[:MESSAGE_MOST]}


def parts(message: str) -> tuple[str, list[str]]:
    """Take the message of a failure apart: the reason, and the last lines of the output."""
    why, _, tail = message.partition(LAST_LINES)
    return why, tail.splitlines()


class Scores:
    """The scores of one trial, as they come.

    A score that has its epoch is reported at once, but for that of the last epoch: it counts if the command ends
    well. Replicates, which are scores of several trainings of it, go out together then. Of a final trial the last score alone is reported, for others would look at the test part.
    """

    def __init__(self, order: OrderView) -> None:
        self._order = order
        self._reported = 0  # the last epoch that was
        self._values: dict[int, float] = {}
        self._bare: list[Score] = []
        self._replicates: dict[int, float] = {}
        self.last: Score | None = None

    def add(self, score: Score) -> Report | None:
        """Take a score; what is to be reported now.

        A report with the state failed or diverged ends the trial.
        """
        if score.replicate is not None:
            return self._replicate(score, score.replicate)
        if score.epoch is not None:
            return self._of_epoch(score, score.epoch)
        self.last = score
        if len(self._bare) <= self._order.epochs:  # one more than there can be is enough to tell
            self._bare.append(score)
        return None

    def _of_epoch(self, score: Score, epoch: int) -> Report | None:
        order = self._order
        known = self._values.get(epoch)
        if known is not None and _same(known, score.value):
            return None
        why = self._refusal(epoch, score.value)
        if why is not None:
            return failed(why)
        self.last = score
        self._values[epoch] = score.value
        if not math.isfinite(score.value):
            return {**score.beside, "state": "diverged"}
        if epoch == order.epochs or order.kind is RoundKind.FINAL:
            return None
        self._reported = epoch
        return {**score.beside, "score": score.value, "epoch": epoch}

    def _replicate(self, score: Score, number: int) -> Report | None:
        """Take a score of one of several trainings."""
        epochs, known = self._order.epochs, self._replicates.get(number)
        if score.epoch not in (None, epochs):
            return failed(
                f"replicate {number} has a score of epoch {score.epoch}; replicates are compared after the last one, {epochs}"
            )
        if known is not None and not _same(known, score.value):
            return failed(
                f"replicate {number} has the score {score.value!r} after {known!r}; give each a number of its own"
            )
        if len(self._replicates) == REPLICATES_MOST and known is None:
            return failed(f"there are more than {REPLICATES_MOST} replicates")
        self._replicates[number] = score.value
        self.last = replace(score, value=mean_score(self._replicates.values()))
        return None if math.isfinite(score.value) else {**score.beside, "state": "diverged"}

    def _refusal(self, epoch: int, value: float) -> str | None:
        """The reason why a score cannot be that of an epoch."""
        epochs, known = self._order.epochs, self._values.get(epoch)
        if not 1 <= epoch <= epochs:
            return f"a score is that of epoch {epoch}, and the trial has the epochs 1 to {epochs}"
        if known is not None:
            return (
                f"epoch {epoch} has the score {value!r} after {known!r}; of several processes let one write "
                "its scores, or take --score-file"
            )
        if self._values and epoch < max(self._values):
            return f"a score of epoch {epoch} comes after that of epoch {max(self._values)}"
        return None

    def end(self, status: int, tail: str) -> list[Report]:
        """The last reports of a command that has ended by itself.

        Raises
        ------
        Misfit
            The search compares trials at epochs for which the command has no score.
        """
        if status != 0:
            return [failed(status_words(status), tail)]
        last = self.last
        if last is None:
            return [failed(NO_SCORE, tail)]
        if not math.isfinite(last.value):
            return [{**last.beside, "state": "diverged"}]
        return list(self._completed(last))

    def _completed(self, last: Score) -> Iterator[Report]:
        order = self._order
        if self._replicates:
            yield from self._replicated(last)
            return
        if last.epoch is not None:
            end = {} if last.epoch == order.epochs else {"state": "completed"}
            yield {**last.beside, "score": last.value, "epoch": last.epoch, **end}
            return
        if order.kind is not RoundKind.FINAL:
            yield from self._without_epoch()
        yield {**last.beside, "score": last.value, "epoch": order.epochs}

    def _replicated(self, last: Score) -> Iterator[Report]:
        """The report of several trainings, in the order of their numbers."""
        order = self._order
        if self._bare or order.epochs in self._values:
            yield failed(
                f"some scores have a replicate and others have none: write `replicate=1 score=...` for each, or {EARLIER}"
            )
            return
        if order.kind is not RoundKind.FINAL:
            yield from self._without_epoch()
        values = [value for _, value in sorted(self._replicates.items())]
        what = {"score": values[0]} if len(values) == 1 else {"replicates": values}
        yield {**last.beside, **what, "epoch": order.epochs}

    def _without_epoch(self) -> Iterator[Report]:
        """Scores before the last one, where there is one for each epoch and none says which."""
        order = self._order
        if not self._values and len(self._bare) == order.epochs:
            for epoch, score in enumerate(self._bare[:-1], start=1):
                if not math.isfinite(score.value):
                    return
                yield {**score.beside, "score": score.value, "epoch": epoch}
            return
        missing = [rung for rung in order.rungs[:-1] if rung not in self._values]
        if missing:
            raise Misfit(
                f"trials are compared after epochs {', '.join(map(str, order.rungs))}, and the command has written no score "
                f"of epoch {missing[0]}: write a line `epoch={missing[0]} score=...` after each epoch, or search with "
                '"epochs": {"first": N, "last": N, "halving": false}'
            )


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
