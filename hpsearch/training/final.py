"""The final test: the only place that opens the sealed part of a dataset.

The parameters were frozen in SQL before the job was queued. Every opening is recorded before
it happens, through `open_test`, which is fenced like every other write.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn
from hpsearch.data import NO_FACTS, Preparation, sealed, value_range
from hpsearch.errors import Fenced
from hpsearch.evidence import FinalScores, Gains, WeightedTest
from hpsearch.metrics import METRICS, fitting
from hpsearch.metrics.gain import gains
from hpsearch.metrics.tested import LEAST_SHARE, Answers, score
from hpsearch.metrics.weights import effective
from hpsearch.training import Stopped, Task, Trainer, peak_rss, report
from hpsearch.training.data_splits import counted_rows, weights_of
from hpsearch.training.numerics import fingerprint, fitted_with
from hpsearch.trials import OF_RANGE, JobOrder, JobReport, Role, TrialReport, TrialState

REPLICATE = 1  # of the model that measures optimism: other weights than the recommended one's,
# and a minibatch order that no round has; it trains and validates on the search's first split
NEEDED: Sequence[nn.Needs] = ("values", "losses", "outputs")  # of every test example
CONFUSION_MOST = 20  # classes of a confusion matrix that people can read


@dataclass(frozen=True, slots=True)
class _Trained:
    """A stack that has been trained, and the examples that it was trained on."""

    positions: Sequence[int]
    shape: nn.Shape
    outcomes: Sequence[nn.Outcome]
    train: nn.Examples


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
    reports, test = dict[int, TrialReport](), sealed.open_test(trainer.files, task.info)
    counted = _Counted.of(task, test)
    tested = _Tested(task, test, counted)
    model, networks = None, _networks(task, stacks)
    for stack in stacks:
        part = replace(stack.train, x=test.x, y=test.y, rows=counted.rows, weights=counted.weights)
        for position, outcome in zip(stack.positions, stack.outcomes, strict=True):
            reports[position], answers = _score(task, position, stack.shape, outcome, part)
            recommended = order.roles[position] is Role.RECOMMENDED
            further = _Further.of(stack.shape, networks if recommended else (), part)
            if answers is not None:
                reports[position], answers = further.with_first(task, reports[position], answers)
            if answers is not None:
                tested.add(position, answers)
            if answers is not None and recommended:
                model = _file(task, stack, [outcome.weights, *further.weights], reports[position])
    return JobReport(
        trials=[reports[p] for p in sorted(reports)],
        fingerprint={**fingerprint(), **fitted_with(order.spec, order.dataset)},
        seconds=time.monotonic() - started,
        ensemble_correct=tested.ensemble_correct,
        peak_rss_bytes=peak_rss(),
        model=model,
        test=tested.scores(),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """The rows of the test part that count, and their weights; None where all count the same."""

    rows: NDArray[np.intp]
    weights: NDArray[np.float64] | None

    @classmethod
    def of(cls, task: Task, test: sealed.TestPart) -> _Counted:
        facts = test.facts if task.resolved.weighted else NO_FACTS
        rows = counted_rows(facts.weight, len(test.y))
        return cls(rows, weights_of(facts, rows))


class _Tested:
    """The answers of all models together; those of one model at a time are in memory."""

    def __init__(self, task: Task, test: sealed.TestPart, counted: _Counted) -> None:
        groups, targets = test.facts.groups, test.y[counted.rows]
        self._task, self._targets, self._weights = task, targets, counted.weights
        self._groups = None if groups is None else groups[counted.rows]
        self._accuracies: dict[int, float] = {}
        self._classes = task.resolved.facts.classes if _classifies(task) else 0
        self._chosen: Answers | None = None
        self._objective: dict[int, float] = {}
        self._compared: dict[Role, list[Answers]] = {}
        self._ensemble = np.zeros((len(targets), task.resolved.facts.outputs))
        self._voters = 0

    def add(self, position: int, answers: Answers) -> None:
        """Count a model that did not diverge; one of several that answer together is none."""
        role = self._task.order.roles[position]
        if role is Role.NETWORK:
            return
        if self._weights is not None and self._classes:
            self._accuracies[position] = answers.value(METRICS["accuracy"])
        self._objective[position] = answers.value(self._task.metric)
        if role is Role.RECOMMENDED:
            self._chosen = answers
        if role is not None and Role.BASELINE in self._task.order.roles:
            self._compared.setdefault(role, []).append(answers)
        if role in OF_RANGE:
            self._ensemble += answers.values
            self._voters += 1

    @property
    def ensemble_correct(self) -> int | None:
        """Examples that the models of the range classify correctly together."""
        if not self._voters or not self._classes:
            return None
        return _correct(self._ensemble, self._targets)

    def scores(self) -> FinalScores:
        """The recommended model by every metric, all models by the objective, and the classes."""
        chosen, classes, kind = self._chosen, self._classes, self._task.resolved.facts.task
        values = (self._objective.get(p) for p in range(len(self._task.order.roles)))
        counts = np.bincount(self._targets, minlength=classes).tolist() if classes else None
        confusion = None
        if chosen is not None and 0 < classes <= CONFUSION_MOST:
            cells = np.bincount(classes * chosen.targets + chosen.predicted, minlength=classes**2)
            confusion = cells.reshape(classes, classes).tolist()
        return FinalScores(
            metrics={
                name: score(METRICS[name], chosen, self._groups)
                for name in fitting(kind, classes)
                if chosen is not None
            },
            models=[None if v is None or not math.isfinite(v) else v for v in values],
            class_counts=counts,
            confusion=confusion,
            weighted=None if self._weights is None else self._by_weight(self._weights),
            gains=self._gains(fitting(kind, classes)),
        )

    def _gains(self, metrics: Sequence[str]) -> Gains | None:
        """The recommended setting against the baseline; None where there is none to compare with."""
        roles = self._task.order.roles
        if Role.BASELINE not in roles:
            return None
        ours = [a for r in (Role.RECOMMENDED, Role.REPEATED) for a in self._compared.get(r, ())]
        theirs = self._compared.get(Role.BASELINE, [])
        count = roles.count(Role.BASELINE)
        for models, whose in ((theirs, "your setting"), (ours, "the recommended setting")):
            if len(models) < count:
                lost = f"{count - len(models)} of {count} trainings of {whose} diverged"
                return Gains({}, {}, {}, count, note=f"no gain: {lost}")
        return gains(metrics, METRICS, ours, theirs, self._groups)

    def _by_weight(self, weights: NDArray[np.float64]) -> WeightedTest:
        """The accuracies that are shares of the weights."""
        accuracies = [self._accuracies.get(p) for p in range(len(self._task.order.roles))]
        ensemble, majority = None, None
        if self._classes:
            majority = float(np.bincount(self._targets, weights).max() / weights.sum())
        if self._classes and self._voters:
            right = self._ensemble.argmax(axis=1) == self._targets
            ensemble = float(weights @ right / weights.sum())
        return WeightedTest(accuracies, ensemble, majority, effective(weights))


def _train(trainer: Trainer, task: Task, stopped: Stopped) -> list[_Trained]:
    split = trainer.splits.of(task.resolved, task.info)[0]
    roles = task.order.roles
    tested = [p for p, role in enumerate(roles) if role is not Role.OPTIMISM]
    gauge = [p for p, role in enumerate(roles) if role is Role.OPTIMISM]
    whole = task.resolved.spec.final.train_on == "train+validation"

    @cache
    def prepared(preparation: Preparation | None) -> nn.Examples:
        if whole:
            weighted = task.resolved.weighted
            return trainer.splits.whole(task.info, preparation, weighted=weighted)[0]
        return split.prepared(preparation).train

    trained = []
    for positions in task.stacks(tested, trainer.stack_size):
        train = prepared(task.preparation(positions[0]))
        training = task.training(positions, train, None, stopped=stopped, keep_weights=True)
        trained.append(_trained(task, positions, training, train))
    for positions in task.stacks(gauge, trainer.stack_size):
        part = split.prepared(task.preparation(positions[0]))
        training = task.training(
            positions,
            part.train,
            part.validation,
            stopped=stopped,
            replicate=REPLICATE,
            keep_weights=True,
        )
        trained.append(_trained(task, positions, training, part.train))
    return trained


def _trained(
    task: Task, positions: Sequence[int], training: nn.Training, train: nn.Examples
) -> _Trained:
    try:
        training.run_to(task.order.epochs)
    except nn.Interrupted as interrupted:
        raise Fenced("the final job was taken from this worker") from interrupted
    shape = task.shape(positions[0])
    return _Trained(positions, shape, training.outcomes(), train)


def _score(
    task: Task, position: int, shape: nn.Shape, outcome: nn.Outcome, test: nn.Examples
) -> tuple[TrialReport, Answers | None]:
    """A model's report and its answers to the test part; none where it diverged.

    In a regression its score is the one on the test part, unless it measures optimism: that
    model keeps its validation score.
    """
    base = report(task.order.indices[position], [outcome], task.metric)
    if outcome.weights is None:
        return base, None
    answers = _answers(task, nn.evaluate(shape, outcome.weights, test, needs=NEEDED), test)
    if not np.isfinite(answers.values).all():
        return _diverged(base), None
    tested = replace(base, test_examples=len(test))
    if _classifies(task):
        return replace(tested, test_correct=_correct(answers.values, test.targets)), answers
    if task.order.roles[position] is Role.OPTIMISM:
        return tested, answers
    return _with_score(task, tested, answers)


def _with_score(
    task: Task, tested: TrialReport, answers: Answers
) -> tuple[TrialReport, Answers | None]:
    """A regression's report with its score on the test part; diverged where that is not finite."""
    score = task.metric.sign * answers.value(task.metric)
    if not math.isfinite(score):
        return _diverged(tested), None
    return replace(tested, score=score), answers


def _diverged(scored: TrialReport) -> TrialReport:
    return replace(scored, state=TrialState.DIVERGED, score=None, test_examples=None)


def _networks(task: Task, stacks: Sequence[_Trained]) -> list[nn.Weights]:
    """The further networks of the recommended model, in order, but for those that diverged."""
    of = {
        position: outcome.weights
        for stack in stacks
        for position, outcome in zip(stack.positions, stack.outcomes, strict=True)
        if task.order.roles[position] is Role.NETWORK
    }
    return [weights for _, weights in sorted(of.items()) if weights is not None]


@dataclass(frozen=True, slots=True, eq=False)
class _Further:
    """The further networks of the recommended model, and what each predicts for the test part.

    One that does not answer every example with finite numbers has diverged, and is no part of the
    model: the others answer without it.
    """

    weights: Sequence[nn.Weights]
    values: Sequence[NDArray[np.floating[Any]]]

    @classmethod
    def of(cls, shape: nn.Shape, networks: Sequence[nn.Weights], test: nn.Examples) -> _Further:
        if not networks:
            return cls((), ())
        predicted = nn.predict_values(shape, nn.Weights.stack(networks), test)
        sound = [at for at, values in enumerate(predicted) if np.isfinite(values).all()]
        return cls([networks[at] for at in sound], [predicted[at] for at in sound])

    def with_first(
        self, task: Task, scored: TrialReport, first: Answers
    ) -> tuple[TrialReport, Answers | None]:
        """Report and answers of the whole model; `scored` and `first` are those of its first network."""
        if not self.weights:
            return scored, first
        together = np.stack([first.values, *self.values])
        mean = together.mean(0, together.dtype)  # as a model of several networks predicts
        if not _classifies(task):
            predicted = mean.reshape(first.predicted.shape)
            answers = replace(first, values=mean, predicted=predicted, losses=None, outputs=None)
            return _with_score(task, scored, answers)
        right = np.take_along_axis(mean, first.targets.astype(np.intp)[:, None], axis=1)[:, 0]
        losses = -np.log(np.maximum(right.astype(np.float64), LEAST_SHARE))
        answers = replace(
            first, values=mean, predicted=mean.argmax(axis=1), losses=losses, outputs=None
        )
        return replace(scored, test_correct=_correct(mean, first.targets)), answers


def _answers(task: Task, scores: nn.Scores, test: nn.Examples) -> Answers:
    """Answers of one model about the examples."""
    values = scores.inputs["values"][0]
    # The probabilities decide, as they do for whoever uses the model.
    predicted = values.argmax(axis=1) if _classifies(task) else scores.predicted[0]
    return Answers(
        test.targets,
        predicted,
        values,
        scores.inputs["losses"][0],
        scores.inputs["outputs"][0],
        positive=task.resolved.facts.positive,
        mean=None if test.target is None else test.target.shift,
        weights=test.weights,
    )


def _classifies(task: Task) -> bool:
    return task.resolved.workload.classifies


def _correct(values: NDArray[np.floating[Any]], classes: NDArray[Any]) -> int:
    """Examples whose most probable class (n, classes) is the right one."""
    return int((values.argmax(axis=1) == classes).sum())


def _file(
    task: Task, stack: _Trained, networks: Sequence[nn.Weights | None], scored: TrialReport
) -> bytes:
    """The recommended model as it was scored, with where it comes from."""
    sound = [weights for weights in networks if weights is not None]
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
    if not _classifies(task):
        about["target"] = info.label
        about["test"] = {"score": scored.score, "examples": scored.test_examples}
    train, offset = stack.train, info.offset
    low, high = (
        end.astype(np.float64) + (0.0 if offset is None else offset)
        for end in value_range(train.x, train.rows)
    )
    left_out = (*(one.name for one in info.left_out), *([info.label] if info.label else ()))
    return nn.Model(
        nn.Weights.stack(sound), train.shift, train.scale, info.classes, about, offset,
        nn.Ranges(low, high), train.encoding, info.columns, left_out if info.columns else (),
        train.target,
    ).dump()  # fmt: skip
