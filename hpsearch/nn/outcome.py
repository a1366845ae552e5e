"""The results of a training, and its interruption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from hpsearch.errors import HpsearchError
from hpsearch.nn.parameters import Weights

State: TypeAlias = Literal["completed", "diverged", "stopped"]


class Interrupted(HpsearchError):
    """A training ended by the caller's `should_stop`; it leaves nothing behind."""

    title = "Interrupted"


@dataclass(frozen=True, slots=True)
class EpochScore:
    """The scores of a trial after an epoch.

    `train_loss` is the mean over the epoch's minibatches, each before its update, or with
    `score_train` that of the finished epoch in inference, which alone gives `train_accuracy`.
    `loss` and `n_correct` of `examples` are validation's; NaN, 0 and 0 where there is none.
    `measures` are validation's by name, those asked for. A regression has neither `n_correct`
    nor `train_accuracy`. Where examples have weights, losses, measures and `train_accuracy` are
    weighted; `weight` and `right` are then the weights of validation's examples and of the correct
    ones in sum, and `n_correct` counts examples as ever.
    """

    epoch: int
    train_loss: float | None
    train_accuracy: float | None
    loss: float
    n_correct: int | None
    examples: int
    measures: Mapping[str, float] = field(default_factory=dict)
    weight: float | None = None
    right: float = 0.0

    @property
    def accuracy(self) -> float:
        """Share of validation's examples classified correctly; 0 where nothing is classified."""
        if self.weight is not None:
            return self.right / self.weight
        return self.n_correct / self.examples if self.n_correct else 0.0

    @property
    def rank_key(self) -> tuple[float, float]:
        """A key that grows with the score: by correct predictions, ties by loss."""
        return (self.n_correct or 0 if self.weight is None else self.right, -self.loss)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The training of a trial.

    `completed`: trained to the end, or to its own early stop. `diverged`: its loss ceased to be
    finite in epoch `diverged_in`. `stopped`: not among those that were to go on. `curve` holds the epochs
    finished with finite losses, `epochs_trained` counts them. `best_epoch` has the most correct
    predictions, ties by loss. `weights` are the wanted ones, None for a diverged trial or where
    none were wanted. `predicted` (n, ...) are validation's predictions after the last epoch,
    classes or numbers as the loss says.
    """

    state: State
    epochs_trained: int
    curve: tuple[EpochScore, ...]
    best_epoch: int | None
    weights: Weights | None
    diverged_in: int | None
    predicted: NDArray[Any] | None
