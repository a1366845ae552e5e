"""The training loop over a stack: epochs, minibatches, scores, and who goes on.

T live trials   n training examples   B examples of a minibatch
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.evaluation import Evaluator, Scores
from hpsearch.nn.examples import Examples, Rows
from hpsearch.nn.numerics import engine_arithmetic
from hpsearch.nn.outcome import EpochScore, Interrupted, Outcome
from hpsearch.nn.records import Keep, Options, Record, Survivors
from hpsearch.nn.shape import Member, Shape
from hpsearch.nn.stack import Stack

_ASK_EVERY = 16  # minibatches between two looks at should_stop


def train(
    shape: Shape,
    members: Sequence[Member],
    train: Examples,
    validation: Examples | None,
    *,
    epochs: int,
    order: Callable[[int], Rows],
    keep_weights: Keep | bool = "none",
    class_weights: NDArray[np.floating] | None = None,
    patience: int | None = None,
    score_train: bool = False,
    survivors: Survivors | None = None,
    on_epoch: Callable[[int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[Outcome]:
    """Train a stack of trials of one shape; one outcome per member, in their order.

    A trial's outcome does not depend, in any bit, on the other members.

    epochs: planned; the cosine schedule ends there.
    order: epoch (from 1) -> (n,) permutation of the positions in `train`, the same for everyone.
    keep_weights: "none" (False), "last" (True) or "best": the weights in the outcomes.
    class_weights: (C,) weights of the classes in the training loss; see `balanced_weights`.
    patience: a member whose best epoch lies this many epochs back ends there, completed.
    score_train: score the training part too after every epoch.
    survivors: (epoch, scores by member) -> the members that go on; the others are "stopped".
    on_epoch: called after every scored epoch.
    should_stop: asked every few minibatches; when it says True, Interrupted is raised.

    Raises: InvalidRequest if the arguments do not fit each other; Interrupted.
    """
    if isinstance(keep_weights, bool):
        keep_weights = "last" if keep_weights else "none"
    options = Options(
        epochs=epochs,
        order=order,
        keep_weights=keep_weights,
        class_weights=class_weights,
        patience=patience,
        score_train=score_train,
        survivors=survivors,
        on_epoch=on_epoch,
        should_stop=should_stop,
    )
    _check(shape, members, (train, validation), options)
    with engine_arithmetic():
        return _Training(shape, members, train, validation, options).run()


def _check(
    shape: Shape,
    members: Sequence[Member],
    parts: tuple[Examples, Examples | None],
    options: Options,
) -> None:
    if not members:
        raise InvalidRequest("a stack needs at least one member")
    if options.epochs < 1:
        raise InvalidRequest(f"epochs is {options.epochs}; it must be at least 1")
    if options.patience is not None and (options.patience < 1 or parts[1] is None):
        raise InvalidRequest("patience must be at least 1 epoch and needs a validation part")
    for part in parts:
        if part is None:
            continue
        if part.features != shape.inputs:
            raise InvalidRequest(f"{part.features} features do not fit {shape.inputs} inputs")
        classes = part.classes_of_rows
        if classes.min() < 0 or classes.max() >= shape.classes:
            raise InvalidRequest(f"classes must lie in 0..{shape.classes - 1}")
    weights = options.class_weights
    if weights is not None and (weights.shape != (shape.classes,) or not (weights > 0).all()):
        raise InvalidRequest(f"class_weights must be {shape.classes} positive numbers")


class _Training:
    """One call of `train`: the stack, what scores it, and the members' records."""

    def __init__(
        self,
        shape: Shape,
        members: Sequence[Member],
        train: Examples,
        validation: Examples | None,
        options: Options,
    ) -> None:
        self._options = options
        self._shape, self._train, self._validation = shape, train, validation
        self._records = [Record() for _ in members]
        self._stack = Stack(
            shape, members, train, epochs=options.epochs, class_weights=options.class_weights
        )
        self._updates = 0
        self._bind()

    def run(self) -> list[Outcome]:
        for epoch in range(1, self._options.epochs + 1):
            losses = self._epoch(epoch)
            scores = self._score(epoch, losses)
            if scores and epoch < self._options.epochs:
                self._choose(epoch, scores)
            if self._options.on_epoch is not None:
                self._options.on_epoch(epoch)
            if not len(self._stack):
                break
        for row in range(len(self._stack)):
            self._keep_last(row)
        return [record.outcome() for record in self._records]

    def _epoch(self, epoch: int) -> NDArray[np.float64]:
        """One pass over the training part; (T,) mean losses of the trials that are left."""
        order = np.ascontiguousarray(self._options.order(epoch), dtype=np.intp)
        n, length = len(self._train), self._shape.batch_size
        if order.shape != (n,):
            raise InvalidRequest(f"order({epoch}) has shape {order.shape}; ({n},) is wanted")
        sums = np.zeros(len(self._stack))
        for batch, start in enumerate(range(0, n, length)):
            if batch % _ASK_EVERY == 0:
                self._ask()
            positions = order[start : start + length]
            self._updates += 1
            losses = self._stack.step(positions, epoch - 1 + start / n, self._updates)
            sums += losses * np.float64(len(positions))
            if not math.isfinite(np.add.reduce(sums)):
                sums = sums[self._drop_diverged(np.isfinite(losses), epoch)]
                if not len(sums):
                    break
        return sums / n

    def _ask(self) -> None:
        if self._options.should_stop is not None and self._options.should_stop():
            raise Interrupted("training was asked to stop")

    def _score(self, epoch: int, losses: NDArray[np.float64]) -> dict[int, EpochScore]:
        """Scores by member after an epoch; those whose losses are not finite leave the stack."""
        if not len(self._stack):
            return {}
        validated = self._evaluator.score() if self._evaluator else None
        trained = self._train_evaluator.score() if self._train_evaluator else None
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
            now[index] = self._epoch_score(epoch, row, float(losses[row]), validated, trained)
            if record.note(now[index]) and self._options.keep_weights == "best":
                record.weights = self._stack.weights(row)
            if validated is not None:
                record.predicted = validated.predicted[row].copy()
        self._drop_diverged(finite, epoch)
        return now

    def _epoch_score(
        self, epoch: int, row: int, loss: float, validated: Scores | None, trained: Scores | None
    ) -> EpochScore:
        accuracy = None
        if trained is not None:
            loss = float(trained.losses[row])
            accuracy = int(trained.correct[row]) / len(self._train)
        if validated is None:
            return EpochScore(epoch, loss, accuracy, math.nan, 0, 0)
        return EpochScore(
            epoch,
            loss,
            accuracy,
            float(validated.losses[row]),
            int(validated.correct[row]),
            validated.predicted.shape[1],
        )

    def _drop_diverged(self, finite: NDArray[np.bool_], epoch: int) -> NDArray[np.intp]:
        """Take the trials that are not finite out of the stack; the rows that stay."""
        for row in np.flatnonzero(~finite).tolist():
            self._records[self._stack.at[row]].diverge(epoch)
        rows = np.flatnonzero(finite)
        self._go_on_with(rows.tolist())
        return rows

    def _choose(self, epoch: int, scores: Mapping[int, EpochScore]) -> None:
        """Early stop, member by member, then the caller's survivors among the others."""
        patience, survivors = self._options.patience, self._options.survivors
        left = {
            index: score
            for index, score in scores.items()
            if patience is None or self._records[index].waits(epoch) < patience
        }
        chosen = set(left) if survivors is None else set(left) & set(survivors(epoch, left))
        for row, index in enumerate(self._stack.at):
            if index not in chosen:
                self._keep_last(row)
            if index in left and index not in chosen:
                self._records[index].state = "stopped"
        self._go_on_with([row for row, index in enumerate(self._stack.at) if index in chosen])

    def _keep_last(self, row: int) -> None:
        if self._options.keep_weights == "last":
            self._records[self._stack.at[row]].weights = self._stack.weights(row)

    def _go_on_with(self, rows: list[int]) -> None:
        if len(rows) < len(self._stack):
            self._stack.keep(rows)
            self._bind()

    def _bind(self) -> None:
        """Evaluators for the trials that are left."""
        self._evaluator = self._train_evaluator = None
        if not len(self._stack):
            return
        parameters = self._stack.parameters
        if self._validation is not None:
            self._evaluator = Evaluator(self._shape, parameters, self._validation)
        if self._options.score_train:
            self._train_evaluator = Evaluator(self._shape, parameters, self._train)
