"""Cohorts trained in lockstep from rung to rung, whatever stacks their trials are in."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from hpsearch import nn
from hpsearch.errors import Fenced, SystemFault
from hpsearch.spec import schedule
from hpsearch.spec.halving import Standing, survivors
from hpsearch.training.lanes import Lane
from hpsearch.training.parts import Parts
from hpsearch.training.reports import pooled, report, right
from hpsearch.training.task import Stopped, Task
from hpsearch.trials import RoundKind, TrialReport, TrialState

log = logging.getLogger(__name__)

Standings = dict[int, Standing]

PARKED_BYTES = 1e9  # that the networks of a race may hold while they wait for the others, about


class Race:
    """Some cohorts of a job. Those that share a shape share stacks; the choice is per cohort.

    A stack that raises is given up, and its trials start again one by one; as a trial's bits
    do not depend on its company, they arrive where they would have been. The one that raises
    by itself has failed and falls out, like one that diverges.
    """

    def __init__(
        self,
        task: Task,
        parts: Sequence[Parts],
        cohorts: Sequence[Sequence[int]],
        *,
        stack_size: int,
        stopped: Stopped,
    ) -> None:
        self._task, self._parts, self._cohorts = task, parts, cohorts
        self._stopped = stopped
        self._positions = sorted(position for cohort in cohorts for position in cohort)
        self._lanes = [
            Lane(self._start, positions, fold)
            for positions in task.stacks(self._positions, stack_size)
            for fold in range(len(parts))
        ]
        self._given_up: list[Lane] = []
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
            for lane in self._lanes:
                lane.keep(chosen)
        self._advance(last)
        return self._reports()

    def _start(self, positions: Sequence[int], fold: int) -> nn.Training:
        parts = self._parts[fold]
        return self._task.training(
            positions, parts.train, parts.validation, fold=fold, stopped=self._stopped
        )

    def _advance(self, epoch: int) -> Standings:
        """Everybody to the end of `epoch`; where those stand who are live on every split."""
        scores: dict[int, dict[int, nn.EpochScore]] = {p: {} for p in self._positions}
        waiting, self._lanes = self._lanes, []
        while waiting:
            lane = waiting.pop(0)
            try:
                for position, score in lane.run_to(epoch).items():
                    scores[position][lane.fold] = score
            except nn.Interrupted as interrupted:
                raise Fenced("the job was taken from this worker") from interrupted
            except (SystemFault, MemoryError, OSError):
                raise
            except Exception as error:  # whatever one trial did, its neighbours are to live
                search, names = self._task.order.search_id, self._names(lane)
                log.exception("trials %s of search %s raised in their stack", names, search)
                waiting = [*self._give_up(lane, error), *waiting]
            else:
                self._lanes.append(lane)
                self._park(lane, waiting)
        objective = self._task.resolved.spec.objective
        standings = {}
        for position, by_fold in scores.items():
            if len(by_fold) == len(self._parts):
                whole = pooled([by_fold[fold] for fold in sorted(by_fold)], objective)
                assert whole.score is not None  # there is a validation part
                standings[position] = Standing(whole.score, whole.loss)
        return standings

    def _park(self, lane: Lane, waiting: Sequence[Lane]) -> None:
        """Have a stack wait for the others, in as little memory as there is for it."""
        lanes = [*self._lanes, *waiting]
        if len(lanes) < 2:
            return
        lane.rest()
        held = sum(nn.resident_bytes(self._task.shape(p)) for each in lanes for p in each.held)
        if held > PARKED_BYTES:
            lane.forget()

    def _give_up(self, lane: Lane, error: Exception) -> Sequence[Lane]:
        """What is to be tried in place of a stack that raised."""
        self._given_up.append(lane)
        again = lane.singles()
        if not lane.alone:
            return again
        for position in lane.positions:  # its error is its result
            self._errors[position] = f"{type(error).__name__}: {error}"[:2000]
        return []

    def _names(self, lane: Lane) -> list[int]:
        return [self._task.order.indices[position] for position in lane.live]

    def _choose(self, rung: int, standings: Standings) -> set[int]:
        """The positions that go on after rung 1, 2, ...: each cohort's best."""
        order = self._task.order
        chosen: set[int] = set()
        for cohort in self._cohorts:
            places = schedule.cohort_sizes(len(cohort), order.rungs)[rung]
            at = {order.indices[p]: p for p in cohort if p in standings}
            best = survivors({index: standings[p] for index, p in at.items()}, places)
            chosen |= {at[index] for index in best}
        return chosen

    def _reports(self) -> list[TrialReport]:
        by_position: dict[int, dict[int, nn.Outcome]] = {p: {} for p in self._positions}
        for lane in (*self._given_up, *self._lanes):  # who started again has the later word
            for position, outcome in lane.outcomes().items():
                by_position[position][lane.fold] = outcome
        return [self._report(position, by_position[position]) for position in self._positions]

    def _report(self, position: int, by_fold: dict[int, nn.Outcome]) -> TrialReport:
        index = self._task.order.indices[position]
        if position in self._errors:
            error = self._errors[position]
            return TrialReport(index=index, state=TrialState.FAILED, error=error)
        outcomes = [by_fold[fold] for fold in range(len(self._parts))]
        found = report(index, outcomes, self._task.resolved.spec.objective)
        if self._task.order.kind is RoundKind.REPEAT and found.state is not TrialState.DIVERGED:
            bits = right(outcomes, [parts.validation for parts in self._parts])
            return replace(found, right=bits)
        return found
