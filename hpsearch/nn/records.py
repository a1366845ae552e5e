"""The options of a training run, and the record of each member while it lasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.arrays import Array, Rows
from hpsearch.nn.examples import Examples
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.measures import Measure
from hpsearch.nn.outcome import EpochScore, Outcome, State
from hpsearch.nn.parameters import Weights
from hpsearch.nn.shape import Member, Shape

Keep: TypeAlias = Literal["none", "last", "best"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `Training`, which says what each means."""

    epochs: int
    order: Callable[[int], Rows]
    keep_weights: Keep | bool = "none"
    class_weights: Array | None = None
    patience: int | None = None
    score_train: bool = False
    measures: Mapping[str, Measure] = field(default_factory=dict)
    should_stop: Callable[[], bool] | None = None

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
        for member in members:
            member.check_constants(shape.optimizer)
        weights = self.class_weights
        if weights is None:
            return
        if LOSSES[shape.loss].task != "classification":
            raise InvalidRequest(f"class_weights need classes, and {shape.loss} has none")
        if weights.shape != (shape.outputs,) or not (weights > 0).all():
            raise InvalidRequest(f"class_weights must be {shape.outputs} positive numbers")


def _check_part(shape: Shape, part: Examples) -> None:
    if part.features != shape.inputs:
        raise InvalidRequest(f"{part.features} features do not fit {shape.inputs} inputs")
    LOSSES[shape.loss].check(part.targets, shape.outputs)


@dataclass(slots=True)
class Record:
    """The training of a member so far."""

    state: State = "completed"
    curve: list[EpochScore] = field(default_factory=list)
    best: EpochScore | None = None
    weights: Weights | None = None
    diverged_in: int | None = None
    predicted: NDArray[Any] | None = None

    def note(self, score: EpochScore) -> bool:
        """Add a finished epoch; True if it is the best one so far."""
        self.curve.append(score)
        if self.best is None or score.rank_key > self.best.rank_key:
            self.best = score
            return True
        return False

    def diverge(self, epoch: int) -> None:
        """Record a loss that ceased to be finite in this epoch: there is no model."""
        self.state, self.diverged_in, self.weights = "diverged", epoch, None

    def epochs_since_best(self, epoch: int) -> int:
        """Epochs from the best one to this one."""
        return epoch - self.best.epoch if self.best else 0

    def outcome(self) -> Outcome:
        """The result for the caller."""
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
