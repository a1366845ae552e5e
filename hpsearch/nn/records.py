"""The options of a training run and what it knows of each member while it lasts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.examples import Examples, Rows
from hpsearch.nn.outcome import EpochScore, Outcome, State
from hpsearch.nn.parameters import Weights
from hpsearch.nn.shape import Member, Shape

Keep: TypeAlias = Literal["none", "last", "best"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to train; `Training` says what each means."""

    epochs: int
    order: Callable[[int], Rows]
    keep_weights: Keep
    class_weights: NDArray[np.floating] | None
    patience: int | None
    score_train: bool
    balanced: bool
    should_stop: Callable[[], bool] | None

    def check(
        self,
        shape: Shape,
        members: Sequence[Member],
        parts: tuple[Examples, Examples | None],
    ) -> None:
        """Refuse what does not fit together. Raises: InvalidRequest."""
        if not members:
            raise InvalidRequest("a stack needs at least one member")
        if self.epochs < 1:
            raise InvalidRequest(f"epochs is {self.epochs}; it must be at least 1")
        if self.patience is not None and (self.patience < 1 or parts[1] is None):
            raise InvalidRequest("patience must be at least 1 epoch and needs a validation part")
        for part in parts:
            if part is not None:
                _check_part(shape, part)
        weights = self.class_weights
        if weights is not None and (weights.shape != (shape.classes,) or not (weights > 0).all()):
            raise InvalidRequest(f"class_weights must be {shape.classes} positive numbers")


def _check_part(shape: Shape, part: Examples) -> None:
    if part.features != shape.inputs:
        raise InvalidRequest(f"{part.features} features do not fit {shape.inputs} inputs")
    classes = part.classes_of_rows
    if classes.min() < 0 or classes.max() >= shape.classes:
        raise InvalidRequest(f"classes must lie in 0..{shape.classes - 1}")


@dataclass(slots=True)
class Record:
    """One member's training so far."""

    state: State = "completed"
    curve: list[EpochScore] = field(default_factory=list)
    best: EpochScore | None = None
    weights: Weights | None = None
    diverged_in: int | None = None
    predicted: NDArray[np.intp] | None = None

    def note(self, score: EpochScore) -> bool:
        """Add a finished epoch; whether it is the best one so far."""
        self.curve.append(score)
        best = self.best
        if best is None or (score.correct, -score.loss) > (best.correct, -best.loss):
            self.best = score
            return True
        return False

    def diverge(self, epoch: int) -> None:
        """The loss ceased to be finite in this epoch: there is no model."""
        self.state, self.diverged_in, self.weights = "diverged", epoch, None

    def waits(self, epoch: int) -> int:
        """Epochs since the best one."""
        return epoch - self.best.epoch if self.best else 0

    def outcome(self) -> Outcome:
        """What is handed back."""
        best_epoch = self.best.epoch if self.best else None
        return Outcome(
            state=self.state,
            epochs_trained=len(self.curve),
            curve=tuple(self.curve),
            best_epoch=best_epoch,
            weights=self.weights,
            diverged_in=self.diverged_in,
            predicted=self.predicted,
        )
