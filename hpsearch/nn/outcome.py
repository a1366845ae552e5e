"""What training hands back, and how it is interrupted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import HpsearchError
from hpsearch.nn.parameters import Weights

State: TypeAlias = Literal["completed", "diverged", "stopped"]


class Interrupted(HpsearchError):
    """The caller's `should_stop` said so; nothing of the training is kept."""

    title = "Interrupted"


@dataclass(frozen=True, slots=True)
class EpochScore:
    """One epoch of one trial.

    `train_loss` is the mean over the epoch's minibatches, each before its update, or with
    `score_train` that of the finished epoch in inference, which alone gives `train_accuracy`.
    `loss` and `correct` of `examples` are validation's; NaN, 0 and 0 where there is none.
    `balanced_accuracy` is the mean recall of validation's classes, where it was asked for.
    """

    epoch: int
    train_loss: float | None
    train_accuracy: float | None
    loss: float
    correct: int
    examples: int
    balanced_accuracy: float | None = None

    @property
    def accuracy(self) -> float:
        """Share of right answers in validation; 0 without validation."""
        return self.correct / self.examples if self.examples else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One trial's training.

    `completed`: trained to the end, or to its own early stop. `diverged`: its loss ceased to be
    finite in epoch `diverged_in`. `stopped`: not among those that were to go on. `curve` holds the epochs
    finished with finite losses, `epochs_trained` counts them. `best_epoch` has the most right
    answers, ties by loss. `weights` are the wanted ones, None for a diverged trial or where none
    were wanted. `predicted` (n,) are the classes answered in validation after the last epoch.
    """

    state: State
    epochs_trained: int
    curve: tuple[EpochScore, ...]
    best_epoch: int | None
    weights: Weights | None
    diverged_in: int | None
    predicted: NDArray[np.intp] | None
