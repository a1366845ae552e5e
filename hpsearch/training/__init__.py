"""Running one job: its trials in stacks, and each by itself where a stack fails."""

from __future__ import annotations

import logging
import math
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hpsearch import nn
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.errors import Fenced, SystemFault
from hpsearch.space import Params
from hpsearch.spec import DatasetFacts, ResolvedSpec, SearchSpec
from hpsearch.training import networks
from hpsearch.training.fingerprint import fingerprint
from hpsearch.training.parts import PartsCache
from hpsearch.trials import JobOrder, JobReport, TrialReport, TrialState

log = logging.getLogger(__name__)

Stopped = Callable[[], bool]

STATES = {
    "completed": TrialState.COMPLETED,
    "stopped": TrialState.STOPPED,
    "diverged": TrialState.DIVERGED,
}


@dataclass(frozen=True)
class Task:
    """A job in typed terms."""

    order: JobOrder
    resolved: ResolvedSpec
    info: DatasetInfo

    @classmethod
    def of(cls, order: JobOrder) -> Task:
        """The job that an order describes."""
        spec = SearchSpec.model_validate(order.spec)
        facts = DatasetFacts.from_json(order.dataset)
        return cls(order, ResolvedSpec(spec, facts), DatasetInfo.from_json(order.dataset))

    def shape(self, params: Params) -> nn.Shape:
        """The network of a trial."""
        return networks.shape(self.resolved.hyperparameters(params), self.resolved.facts)

    def member(self, position: int, *, replicate: int = 0) -> nn.Member:
        """The trial at `position` of the order."""
        order = self.order
        return networks.member(
            self.resolved.hyperparameters(order.params[position]),
            seed=self.resolved.spec.seed,
            round=order.round,
            index=order.indices[position],
            replicate=replicate,
            epochs=order.epochs,
        )


class Trainer:
    """Trains jobs of any search in this process."""

    def __init__(self, files: DatasetStore, *, stack_size: int = 0) -> None:
        self.files = files
        self.cache = PartsCache(files)
        self._stack_size = stack_size

    def run(self, order: JobOrder, *, stopped: Stopped = lambda: False) -> JobReport:
        """Train every trial of a job and say what came of it.

        A stack that raises is trained again trial by trial; then only the culprit fails.

        Raises
        ------
        Fenced
            `stopped` said so.
        SystemFault
            The dataset cannot be read; another attempt may succeed.
        """
        started = time.monotonic()
        task = Task.of(order)
        parts = self.cache.parts(task.resolved, task.info)
        reports: list[TrialReport] = []
        for positions in self.stacks(task, range(len(order.indices))):
            try:
                reports += self._stack(task, parts.train, parts.validation, positions, stopped)
            except (SystemFault, nn.Interrupted, MemoryError, OSError):
                raise
            except Exception:  # whatever one trial did, its neighbours are to live
                log.exception("a stack of search %s failed; trial by trial now", order.search_id)
                for position in positions:
                    reports.append(
                        self._alone(task, parts.train, parts.validation, position, stopped)
                    )
        return JobReport(
            trials=reports,
            fingerprint=fingerprint(),
            seconds=time.monotonic() - started,
            peak_rss_bytes=peak_rss(),
        )

    def stacks(self, task: Task, positions: Sequence[int]) -> list[Sequence[int]]:
        """`positions` cut into stacks of one shape; the cut never changes a result."""
        by_shape: dict[nn.Shape, list[int]] = {}
        for position in positions:
            by_shape.setdefault(task.shape(task.order.params[position]), []).append(position)
        cut: list[Sequence[int]] = []
        for shape, members in by_shape.items():
            size = self._stack_size or nn.best_stack_size(shape)
            cut += [members[i : i + size] for i in range(0, len(members), size)]
        return cut

    def train(
        self,
        task: Task,
        train: nn.Examples,
        validation: nn.Examples | None,
        positions: Sequence[int],
        stopped: Stopped,
        *,
        replicate: int = 0,
        keep_weights: bool = False,
    ) -> list[nn.Outcome]:
        """One stack through the engine.

        Raises
        ------
        Fenced
            `stopped` said so.
        """
        spec, order = task.resolved.spec, task.order
        shape = task.shape(order.params[positions[0]])
        balanced = spec.model.class_weight == "balanced"
        try:
            return nn.train(
                shape,
                [task.member(p, replicate=replicate) for p in positions],
                train,
                validation,
                epochs=order.epochs,
                order=networks.order(spec.seed, replicate, len(train)),
                keep_weights=keep_weights,
                class_weights=nn.balanced_weights(train, shape.classes) if balanced else None,
                should_stop=stopped,
            )
        except nn.Interrupted as interrupted:
            raise Fenced("the job was taken from this worker") from interrupted

    def _stack(
        self,
        task: Task,
        train: nn.Examples,
        validation: nn.Examples,
        positions: Sequence[int],
        stopped: Stopped,
    ) -> list[TrialReport]:
        outcomes = self.train(task, train, validation, positions, stopped)
        return [
            report(task.order.indices[p], outcome)
            for p, outcome in zip(positions, outcomes, strict=True)
        ]

    def _alone(
        self,
        task: Task,
        train: nn.Examples,
        validation: nn.Examples,
        position: int,
        stopped: Stopped,
    ) -> TrialReport:
        try:
            return self._stack(task, train, validation, [position], stopped)[0]
        except (SystemFault, MemoryError, OSError):
            raise
        except Exception as error:  # the culprit: its error is its result
            index = task.order.indices[position]
            log.exception("trial %d of search %s failed", index, task.order.search_id)
            return TrialReport(
                index=index,
                state=TrialState.FAILED,
                error=f"{type(error).__name__}: {error}"[:2000],
            )


def report(index: int, outcome: nn.Outcome) -> TrialReport:
    """An outcome of the engine as it is stored."""
    last = outcome.curve[-1] if outcome.curve else None
    validated = last is not None and last.examples > 0
    return TrialReport(
        index=index,
        state=STATES[outcome.state],
        epochs=outcome.epochs_trained,
        correct=last.correct if last is not None and validated else 0,
        examples=last.examples if last is not None and validated else 0,
        loss=_finite(last.loss) if last is not None else None,
        curve=[(s.epoch, _finite(s.loss), s.correct) for s in outcome.curve],
    )


def _finite(loss: float) -> float | None:
    return loss if math.isfinite(loss) else None


def peak_rss() -> int:
    """The most memory this process has had resident, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
