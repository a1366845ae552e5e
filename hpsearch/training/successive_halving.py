"""Cohorts trained in lockstep from rung to rung, whatever stacks their trials are in."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from hpsearch import nn
from hpsearch.errors import Fenced, SystemFault
from hpsearch.spec import schedule
from hpsearch.spec.halving import RungScore, survivors
from hpsearch.training.data_splits import DataSplit
from hpsearch.training.reports import correct_mask, pooled, report
from hpsearch.training.stack_runs import StackRun
from hpsearch.training.task import Stopped, Task
from hpsearch.trials import TrialReport, TrialState

log = logging.getLogger(__name__)

RungScores = dict[int, RungScore]

WAITING_BYTES = 1e9  # that networks may hold while they wait for other stacks, about


class SuccessiveHalving:
    """Some cohorts of a job. Those that share a shape share stacks; the choice is per cohort.

    A stack that raises is given up, and its trials start again one by one; as a trial's bits
    do not depend on its company, they arrive where they would have been. A trial that raises
    by itself has failed and falls out, like one that diverges.
    """

    def __init__(
        self,
        task: Task,
        splits: Sequence[DataSplit],
        cohorts: Sequence[Sequence[int]],
        *,
        stack_size: int,
        stopped: Stopped,
    ) -> None:
        self._task, self._splits, self._cohorts = task, splits, cohorts
        self._stopped = stopped
        self._positions = sorted(position for cohort in cohorts for position in cohort)
        self._runs = [
            StackRun(self._start, positions, fold)
            for positions in task.stacks(self._positions, stack_size)
            for fold in range(len(splits))
        ]
        self._given_up: list[StackRun] = []
        self._errors: dict[int, str] = {}

    def run(self) -> list[TrialReport]:
        """Train every trial as far as it gets; reports by position.

        Raises
        ------
        Fenced
            `stopped` said so.
        SystemFault, MemoryError, OSError
            No trial's fault.
        """
        *rungs, last = self._task.order.rungs
        for number, epoch in enumerate(rungs, start=1):
            chosen = self._choose(number, self._advance(epoch))
            for run in self._runs:
                run.keep(chosen)
        self._advance(last)
        return self._reports()

    def _start(self, positions: Sequence[int], fold: int) -> nn.Training:
        split = self._splits[fold].prepared(self._task.preparation(positions[0]))
        return self._task.training(
            positions, split.train, split.validation, fold=fold, stopped=self._stopped
        )

    def _advance(self, epoch: int) -> RungScores:
        """Train to the end of `epoch`; the scores of the trials that are live on every split."""
        scores: dict[int, dict[int, nn.EpochScore]] = {p: {} for p in self._positions}
        waiting, self._runs = self._runs, []
        while waiting:
            run = waiting.pop(0)
            try:
                for position, score in run.run_to(epoch).items():
                    scores[position][run.fold] = score
            except nn.Interrupted as interrupted:
                raise Fenced("the job was taken from this worker") from interrupted
            except (SystemFault, MemoryError, OSError):
                raise
            except Exception as error:  # whatever one trial did, its neighbours are to live
                search, names = self._task.order.search_id, self._names(run)
                log.exception("trials %s of search %s raised in their stack", names, search)
                waiting = [*self._give_up(run, error), *waiting]
            else:
                self._runs.append(run)
                self._save_memory(run, waiting)
        live = {p: by_fold for p, by_fold in scores.items() if len(by_fold) == len(self._splits)}
        return {position: self._rung_score(by_fold) for position, by_fold in live.items()}

    def _rung_score(self, by_fold: dict[int, nn.EpochScore]) -> RungScore:
        whole = pooled([by_fold[fold] for fold in sorted(by_fold)], self._task.metric)
        assert whole.score is not None  # there is a validation part
        return RungScore(whole.score, whole.loss)

    def _save_memory(self, run: StackRun, waiting: Sequence[StackRun]) -> None:
        """Have a stack wait for the others, in as little memory as there is for it."""
        runs = [*self._runs, *waiting]
        if len(runs) < 2:
            return
        run.release_buffers()
        size = sum(nn.resident_bytes(self._task.shape(p)) for each in runs for p in each.resident)
        if size > WAITING_BYTES:
            run.evict()

    def _give_up(self, run: StackRun, error: Exception) -> Sequence[StackRun]:
        """The stacks to try in place of one that raised."""
        self._given_up.append(run)
        again = run.split_to_singles()
        if not run.single:
            return again
        for position in run.positions:  # its error is its result
            self._errors[position] = f"{type(error).__name__}: {error}"[:2000]
        return []

    def _names(self, run: StackRun) -> list[int]:
        return [self._task.order.indices[position] for position in run.live]

    def _choose(self, rung: int, scores: RungScores) -> set[int]:
        """The positions that go on after rung 1, 2, ...: each cohort's best."""
        order = self._task.order
        chosen: set[int] = set()
        for cohort in self._cohorts:
            places = schedule.cohort_sizes(len(cohort), order.rungs)[rung]
            at = {order.indices[p]: p for p in cohort if p in scores}
            best = survivors({index: scores[p] for index, p in at.items()}, places)
            chosen |= {at[index] for index in best}
        return chosen

    def _reports(self) -> list[TrialReport]:
        by_position: dict[int, dict[int, nn.Outcome]] = {p: {} for p in self._positions}
        for run in (*self._given_up, *self._runs):  # a trial that started again has the later word
            for position, outcome in run.outcomes().items():
                by_position[position][run.fold] = outcome
        return [self._report(position, by_position[position]) for position in self._positions]

    def _report(self, position: int, by_fold: dict[int, nn.Outcome]) -> TrialReport:
        index = self._task.order.indices[position]
        if position in self._errors:
            error = self._errors[position]
            return TrialReport(index=index, state=TrialState.FAILED, error=error)
        outcomes = [by_fold[fold] for fold in range(len(self._splits))]
        whole = report(index, outcomes, self._task.metric, self._task.also)
        if whole.state is TrialState.DIVERGED or not self._task.masked:
            return whole
        mask = correct_mask(outcomes, [split.validation for split in self._splits])
        return replace(whole, correct_mask=mask)
