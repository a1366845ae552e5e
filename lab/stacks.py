"""Training for the lab: members of one shape in stacks of the best size, and their curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpsearch import nn
from hpsearch.arrays import Floats
from hpsearch.training import networks


def train(
    shape: nn.Shape,
    members: Sequence[nn.Member],
    parts: tuple[nn.Examples, nn.Examples | None],
    *,
    epochs: int,
    seed: int,
    score_train: bool = False,
    keep_weights: bool = False,
) -> list[nn.Outcome]:
    """Train members on the first part and score them on the second; one outcome each.

    All meet the minibatches in the order that `seed` gives.
    """
    size = nn.best_stack_size(shape)
    outcomes: list[nn.Outcome] = []
    for start in range(0, len(members), size):
        outcomes += nn.train(
            shape,
            members[start : start + size],
            *parts,
            epochs=epochs,
            order=networks.order(seed, 0, len(parts[0])),
            score_train=score_train,
            keep_weights=keep_weights,
        )
    return outcomes


def member(learning_rate: float, seed: int, index: int, **options: Any) -> nn.Member:
    """Member `index` of an experiment, with its own streams for initial weights and dropout."""
    keys = {"init_key": (seed, 1, index), "dropout_key": (seed, 2, index)}
    return nn.Member(learning_rate, **{**keys, **options})


def losses(outcome: nn.Outcome, epochs: int) -> Floats:
    """(epochs,) training losses; infinite from where the member diverged."""
    return _curve([score.train_loss for score in outcome.curve], epochs, np.inf)


def train_accuracies(outcome: nn.Outcome, epochs: int) -> Floats:
    """(epochs,) accuracies on the training part; 0 from where the member diverged."""
    return _curve([score.train_accuracy for score in outcome.curve], epochs, 0.0)


def accuracies(outcome: nn.Outcome, epochs: int) -> Floats:
    """(epochs,) accuracies on the second part; 0 from where the member diverged."""
    return _curve([score.accuracy for score in outcome.curve], epochs, 0.0)


def _curve(values: Sequence[float | None], epochs: int, missing: float) -> Floats:
    filled = np.full(epochs, missing)
    filled[: len(values)] = [missing if value is None else value for value in values]
    return filled
