"""The final test: the only place that opens the sealed part of a dataset.

The parameters were frozen in SQL before the job was queued. Every opening is recorded before
it happens, through `open_test`, which is fenced like every other write.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn
from hpsearch.data import sealed
from hpsearch.errors import Fenced
from hpsearch.metrics import Metric, SplitScore
from hpsearch.training import Stopped, Task, Trainer, peak_rss, report
from hpsearch.training.numerics import fingerprint
from hpsearch.training.reports import METRIC, measures
from hpsearch.trials import JobOrder, JobReport, Role, TrialReport, TrialState

REPLICATE = 1  # of the model that measures optimism: other weights than the recommended one's,
# and a minibatch order that no round has; it trains and validates on the search's first split


@dataclass(frozen=True, slots=True)
class _Trained:
    """A stack that has been trained, and the scaling its examples were fed with."""

    positions: Sequence[int]
    shape: nn.Shape
    outcomes: Sequence[nn.Outcome]
    shift: NDArray[np.float32]
    scale: NDArray[np.float32]


def run_final(
    trainer: Trainer,
    order: JobOrder,
    *,
    open_test: Callable[[], bool],
    stopped: Stopped = lambda: False,
) -> JobReport:
    """Train the frozen models at the final's epochs and score them on the test part.

    Parameters
    ----------
    open_test
        Records the opening; False when this attempt is over, and then nothing is opened.

    Raises
    ------
    Fenced
        The attempt is over.
    Corrupt, Unavailable
        The sealed files are not what was stored, or cannot be read.
    """
    started = time.monotonic()
    task = Task.of(order)
    stacks = _train(trainer, task, stopped)
    if not open_test():
        raise Fenced("the final job was taken from this worker")
    test = sealed.open_test(trainer.files, task.info)
    reports: dict[int, TrialReport] = {}
    model: bytes | None = None
    ensemble = np.zeros((len(test.y), task.resolved.facts.outputs))
    voters = 0
    for stack in stacks:
        part = _examples(test, stack)
        for position, outcome in zip(stack.positions, stack.outcomes, strict=True):
            scored, values = _score(task, position, stack.shape, outcome, part)
            reports[position] = scored
            if values is not None and order.roles[position] is not Role.OPTIMISM:
                ensemble += values
                voters += 1
            if values is not None and order.roles[position] is Role.RECOMMENDED:
                model = _file(task, stack, outcome, scored)
    return JobReport(
        trials=[reports[p] for p in sorted(reports)],
        fingerprint=fingerprint(),
        seconds=time.monotonic() - started,
        ensemble_correct=_correct(ensemble, test.y) if voters and _classifies(task) else None,
        peak_rss_bytes=peak_rss(),
        model=model,
    )


def _train(trainer: Trainer, task: Task, stopped: Stopped) -> list[_Trained]:
    split = trainer.splits.of(task.resolved, task.info)[0]
    roles = task.order.roles
    tested = [p for p, role in enumerate(roles) if role is not Role.OPTIMISM]
    gauge = [p for p, role in enumerate(roles) if role is Role.OPTIMISM]
    whole = task.resolved.spec.final.train_on == "train+validation"
    train = trainer.splits.whole(task.info)[0] if whole else split.train
    trained = []
    for positions in task.stacks(tested, trainer.stack_size):
        training = task.training(positions, train, None, stopped=stopped, keep_weights=True)
        trained.append(_trained(task, positions, training, train))
    for positions in task.stacks(gauge, trainer.stack_size):
        training = task.training(
            positions,
            split.train,
            split.validation,
            stopped=stopped,
            replicate=REPLICATE,
            keep_weights=True,
        )
        trained.append(_trained(task, positions, training, split.train))
    return trained


def _trained(
    task: Task, positions: Sequence[int], training: nn.Training, train: nn.Examples
) -> _Trained:
    try:
        training.run_to(task.order.epochs)
    except nn.Interrupted as interrupted:
        raise Fenced("the final job was taken from this worker") from interrupted
    shape = task.shape(positions[0])
    return _Trained(positions, shape, training.outcomes(), train.shift, train.scale)


def _examples(test: sealed.TestPart, stack: _Trained) -> nn.Examples:
    """The test part as a stack is fed with it."""
    rows = np.arange(len(test.y), dtype=np.intp)
    return nn.Examples(x=test.x, y=test.y, rows=rows, shift=stack.shift, scale=stack.scale)


def _score(
    task: Task, position: int, shape: nn.Shape, outcome: nn.Outcome, test: nn.Examples
) -> tuple[TrialReport, NDArray[np.float32] | None]:
    """A model's report and its `nn.Loss.values` (n, K); no values where it diverged.

    In a regression its score is the one on the test part, unless it measures optimism: that
    model keeps its validation score.
    """
    base = report(task.order.indices[position], [outcome], task.metric)
    diverged = replace(base, state=TrialState.DIVERGED, score=None)
    if outcome.weights is None:
        return base, None
    values = nn.predict_values(shape, outcome.weights, test)[0]
    if not np.isfinite(values).all():
        return diverged, None
    tested = replace(base, test_examples=len(test))
    if _classifies(task):
        return replace(tested, test_correct=_correct(values, test.targets)), values
    if task.order.roles[position] is Role.OPTIMISM:
        return tested, values
    score = _tested(task.metric, shape, outcome.weights, test)
    return (replace(tested, score=score), values) if math.isfinite(score) else (diverged, None)


def _classifies(task: Task) -> bool:
    return task.resolved.workload.classifies


def _correct(values: NDArray[np.floating[Any]], classes: NDArray[Any]) -> int:
    """Examples whose most probable class (n, classes) is the right one."""
    return int((values.argmax(axis=1) == classes).sum())


def _tested(metric: Metric, shape: nn.Shape, weights: nn.Weights, test: nn.Examples) -> float:
    """The metric's rank value on the test part."""
    scores = nn.evaluate(shape, weights, test, measures(metric))
    measured = scores.measures.get(METRIC)
    value = None if measured is None else float(measured[0])
    return metric.rank_value([SplitScore(float(scores.losses[0]), 0, len(test), value)])


def _file(task: Task, stack: _Trained, outcome: nn.Outcome, scored: TrialReport) -> bytes:
    """The recommended model as it was scored, with where it comes from."""
    assert outcome.weights is not None  # it has probabilities
    info, order = task.info, task.order
    about = {
        "search": order.search_id,
        "dataset": info.digest,
        "kind": info.kind,
        "example_shape": list(info.shape),
        "feature_names": list(info.feature_names),
        "params": dict(order.params[list(order.roles).index(Role.RECOMMENDED)]),
        "epochs": scored.epochs,
        "test": {"correct": scored.test_correct, "examples": scored.test_examples},
    }
    return nn.Model(outcome.weights, stack.shift, stack.scale, info.classes, about).dump()
