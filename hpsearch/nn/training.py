"""Training a stack: epochs, minibatches, scores, and who goes on.

T live trials   n training examples   B examples of a minibatch
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Required, TypeAlias, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.arrays import Array, Rows, Vector
from hpsearch.nn.evaluation import Evaluator, Scores
from hpsearch.nn.examples import Examples
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.measures import Measure
from hpsearch.nn.numerics import engine_arithmetic
from hpsearch.nn.outcome import EpochScore, Interrupted, Outcome
from hpsearch.nn.records import Keep, Options, Record
from hpsearch.nn.shape import Member, Shape
from hpsearch.nn.stack import Stack

Survivors: TypeAlias = Callable[[int, Mapping[int, EpochScore]], Collection[int]]

_CHECK_EVERY = 16  # minibatches between two looks at should_stop


class TrainingOptions(TypedDict, total=False):
    """The keyword arguments of `Training`, which says what each means."""

    epochs: Required[int]
    order: Required[Callable[[int], Rows]]
    keep_weights: Keep | bool
    class_weights: Array | None
    patience: int | None
    score_train: bool
    measures: Mapping[str, Measure]
    should_stop: Callable[[], bool] | None


def train(
    shape: Shape,
    members: Sequence[Member],
    train: Examples,
    validation: Examples | None,
    *,
    survivors: Survivors | None = None,
    on_epoch: Callable[[int], None] | None = None,
    **options: Unpack[TrainingOptions],
) -> list[Outcome]:
    """Train a stack of trials of one shape to the end; one outcome per member, in their order.

    A trial's outcome does not depend, in any bit, on the other members.

    survivors: (epoch, scores by member) -> the members that go on; the others are "stopped".
    on_epoch: called after every scored epoch.
    The other arguments and what is raised are those of `Training`.
    """
    training, epochs = Training(shape, members, train, validation, **options), options["epochs"]
    for epoch in range(1, epochs + 1):
        scores = training.run_to(epoch)
        if survivors is not None and scores and epoch < epochs:
            training.keep(survivors(epoch, scores))
        if on_epoch is not None:
            on_epoch(epoch)
        if not training.live:
            break
    return training.outcomes()


class Training:
    """A stack of trials of one shape whose training can pause after any epoch.

    A trial's outcome does not depend, in any bit, on the other members, nor on where the
    training paused. After an exception it cannot go on.

    epochs: planned; the cosine schedule ends there.
    order: epoch (from 1) -> (n,) permutation of the positions in `train`, the same for everyone.
    keep_weights: "none" (False), "last" (True) or "best": the weights in the outcomes.
    class_weights: (C,) weights of the classes in the training loss; see `balanced_weights`. Where
        examples have weights as well, an example counts by the product, 1 on average.
    patience: a member whose best epoch lies this many epochs back ends there, completed.
    score_train: score the training part too after every epoch.
    measures: the measures of validation to have in the scores, by name; see `measures`.
    should_stop: asked every few minibatches; when it says True, Interrupted is raised.

    Raises: InvalidRequest, when made, if the arguments do not fit each other.
    """

    def __init__(
        self,
        shape: Shape,
        members: Sequence[Member],
        train: Examples,
        validation: Examples | None,
        **options: Unpack[TrainingOptions],
    ) -> None:
        self._options = Options(**options)
        self._options.check(shape, members, (train, validation))
        self._shape, self._train, self._validation = shape, train, validation
        self._records = [Record() for _ in members]
        with engine_arithmetic():
            self._stack = Stack(
                shape,
                members,
                train,
                epochs=self._options.epochs,
                class_weights=self._options.class_weights,
            )
        self._epoch = self._updates = 0
        self._scores: dict[int, EpochScore] = {}
        self._no_correct = 0 if LOSSES[shape.loss].task == "classification" else None
        self._evaluators: tuple[Evaluator | None, Evaluator | None] | None = None

    @property
    def epoch(self) -> int:
        """Epochs that the live members have trained for."""
        return self._epoch

    @property
    def live(self) -> Sequence[int]:
        """The members that still train, ascending."""
        return sorted(self._stack.at)

    def run_to(self, epoch: int) -> Mapping[int, EpochScore]:
        """Train to the end of `epoch`; the scores of this epoch by live member.

        Raises: InvalidRequest if `epoch` lies behind or beyond the plan; Interrupted.
        """
        if not self._epoch <= epoch <= self._options.epochs:
            raise InvalidRequest(
                f"epoch {epoch} must lie in {self._epoch}..{self._options.epochs}: "
                "a training runs forward, and to the planned end at most"
            )
        with engine_arithmetic():
            while self._epoch < epoch and len(self._stack):
                self._epoch += 1
                self._scores = self._score(self._pass())
                self._stop_early()
        return self._scores

    def keep(self, members: Collection[int]) -> None:
        """Continue with these alone; the other live members end here, "stopped".

        Members that have ended already stay as they are.
        """
        for row, index in enumerate(self._stack.at):
            if index not in members:
                self._keep_last(row)
                self._records[index].state = "stopped"
        with engine_arithmetic():
            self._keep_rows([row for row, index in enumerate(self._stack.at) if index in members])

    def release_buffers(self) -> None:
        """Free the buffers until the training goes on."""
        self._stack.release_buffers()
        self._evaluators = None

    def outcomes(self) -> list[Outcome]:
        """The members' outcomes, in order; live ones as if this had been the last epoch."""
        for row in range(len(self._stack)):
            self._keep_last(row)
        return [record.outcome() for record in self._records]

    def _pass(self) -> Vector:
        """Pass over the training part once; (T,) mean losses of the trials that are left."""
        order = np.ascontiguousarray(self._options.order(self._epoch), dtype=np.intp)
        n, length = len(self._train), self._shape.batch_size
        if order.shape != (n,):
            raise InvalidRequest(f"order({self._epoch}) has shape {order.shape}; ({n},) is wanted")
        sums = np.zeros(len(self._stack))
        for batch, start in enumerate(range(0, n, length)):
            if batch % _CHECK_EVERY == 0:
                self._check_stop()
            positions = order[start : start + length]
            self._updates += 1
            losses = self._stack.step(positions, self._epoch - 1 + start / n, self._updates)
            sums += losses * np.float64(len(positions))
            if not math.isfinite(np.add.reduce(sums)):
                sums = sums[self._drop_diverged(np.isfinite(losses))]
                if not len(sums):
                    break
        return sums / n

    def _check_stop(self) -> None:
        if self._options.should_stop is not None and self._options.should_stop():
            raise Interrupted("training was asked to stop")

    def _score(self, losses: Vector) -> dict[int, EpochScore]:
        """Scores by member after an epoch; those whose losses are not finite leave the stack."""
        if not len(self._stack):
            return {}
        validated, trained = (e.score() if e else None for e in self._bind_evaluators())
        # Where nothing is scored, the last update may have overflowed unseen.
        flat = self._stack.parameters.flat
        finite = np.logical_and.reduce(np.isfinite(flat), axis=1)
        for scores in (validated, trained):
            if scores is not None:
                finite = np.isfinite(scores.losses)
        now: dict[int, EpochScore] = {}
        for row in np.flatnonzero(finite).tolist():
            index = self._stack.at[row]
            record = self._records[index]
            now[index] = self._epoch_score(row, float(losses[row]), validated, trained)
            if record.note(now[index]) and self._options.keep_weights == "best":
                record.weights = self._stack.weights(row)
            if validated is not None:
                record.predicted = validated.predicted[row].copy()
        self._drop_diverged(finite)
        return now

    def _epoch_score(
        self, row: int, loss: float, validated: Scores | None, trained: Scores | None
    ) -> EpochScore:
        accuracy = None
        if trained is not None:
            loss = float(trained.losses[row])
            if trained.right is not None:
                accuracy = float(trained.right[row]) / _total(self._train)
            elif trained.n_correct is not None:
                accuracy = int(trained.n_correct[row]) / len(self._train)
        if validated is None:
            return EpochScore(self._epoch, loss, accuracy, math.nan, self._no_correct, 0)
        n_correct = validated.n_correct
        return EpochScore(
            self._epoch,
            loss,
            accuracy,
            float(validated.losses[row]),
            None if n_correct is None else int(n_correct[row]),
            validated.predicted.shape[1],
            {name: float(values[row]) for name, values in validated.measures.items()},
            *self._weighed(row, validated),
        )

    def _weighed(self, row: int, validated: Scores) -> tuple[float | None, float]:
        """Weights of validation's examples and of the correct ones in sum; None without weights."""
        if self._validation is None or self._validation.weights is None:
            return None, 0.0
        right = validated.right
        return _total(self._validation), 0.0 if right is None else float(right[row])

    def _drop_diverged(self, finite: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Take the trials that are not finite out of the stack; return the rows that stay."""
        for row in np.flatnonzero(~finite).tolist():
            self._records[self._stack.at[row]].diverge(self._epoch)
        rows = np.flatnonzero(finite)
        self._keep_rows(rows.tolist())
        return rows

    def _stop_early(self) -> None:
        """End the members whose best epoch lies too far back, unless the end is here anyway."""
        patience = self._options.patience
        if patience is None or self._epoch == self._options.epochs:
            return
        waiting = [
            self._records[index].epochs_since_best(self._epoch) < patience
            for index in self._stack.at
        ]
        for row, goes_on in enumerate(waiting):
            if not goes_on:
                self._keep_last(row)
        self._keep_rows([row for row, goes_on in enumerate(waiting) if goes_on])

    def _keep_last(self, row: int) -> None:
        if self._options.keep_weights in ("last", True):
            self._records[self._stack.at[row]].weights = self._stack.weights(row)

    def _keep_rows(self, rows: list[int]) -> None:
        if len(rows) < len(self._stack):
            self._stack.keep(rows)
            self._evaluators = None
            self._scores = {i: self._scores[i] for i in self._stack.at if i in self._scores}

    def _bind_evaluators(self) -> tuple[Evaluator | None, Evaluator | None]:
        """The evaluators of the live trials on the validation part and on the training part."""
        if self._evaluators is None:
            shape, parameters = self._shape, self._stack.parameters
            validated = trained = None
            if self._validation is not None:
                measures = self._options.measures
                validated = Evaluator(shape, parameters, self._validation, measures)
            if self._options.score_train:
                trained = Evaluator(shape, parameters, self._train)
            self._evaluators = validated, trained
        return self._evaluators


def _total(examples: Examples) -> float:
    return float(len(examples) if examples.weights is None else examples.weights.sum())
