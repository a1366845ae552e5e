"""The options of a training run and what it knows of each member while it lasts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpsearch.nn.examples import Rows
from hpsearch.nn.outcome import EpochScore, Outcome, State
from hpsearch.nn.parameters import Weights

Keep: TypeAlias = Literal["none", "last", "best"]
Survivors: TypeAlias = Callable[[int, Mapping[int, EpochScore]], Collection[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to train; `train` says what each means."""

    epochs: int
    order: Callable[[int], Rows]
    keep_weights: Keep
    class_weights: NDArray[np.floating] | None
    patience: int | None
    score_train: bool
    survivors: Survivors | None
    on_epoch: Callable[[int], None] | None
    should_stop: Callable[[], bool] | None


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
