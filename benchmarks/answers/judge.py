"""Settings trained anew, and their scores on each example that was held back.

A score is 1 for a right answer and 0 for a wrong one; of numbers it is 1 - (y - prediction)² / var(y),
whose mean is R². The answers of a training that diverged are all wrong, or all the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hpsearch import nn
from hpsearch.arrays import Floats
from hpsearch.data import DatasetInfo, DatasetStore, sealed
from hpsearch.space import Params
from hpsearch.spec import ResolvedSpec
from hpsearch.training import Task, Trainer
from hpsearch.trials import JobOrder, RoundKind

ROUND = 900  # no search gets so far: other initial weights and minibatches than any trial had


def order_of(
    resolved: ResolvedSpec, info: DatasetInfo, number: int, indices: Sequence[int],
    params: Sequence[Params], epochs: int, kind: RoundKind = RoundKind.EXPLORE,
) -> JobOrder:  # fmt: skip
    """A job of full trainings."""
    return JobOrder(
        search_id="benchmark", kind=kind, round=number, epochs=epochs, spec=resolved.spec.to_json(),
        dataset=info.to_json(), indices=indices, params=params, roles=[None] * len(indices),
        rungs=(epochs,), cohorts=[0] * len(indices),
    )  # fmt: skip


def judged(
    files: DatasetStore, info: DatasetInfo, resolved: ResolvedSpec, settings: Sequence[Params],
    *, models: int, whole: bool = True,
) -> list[Floats]:  # fmt: skip
    """Scores (models, n) of every setting on the n examples that were held back.

    Trained for the epochs of the final test on training and validation part, or (`whole` False) on
    the training part alone. Training k has the same initial weights in every setting.
    """
    trainer, epochs = Trainer(files), resolved.spec.final.epochs
    params = [one for one in settings for _ in range(models)]
    indices = [k for _ in settings for k in range(models)]
    task = Task.of(order_of(resolved, info, ROUND, indices, params, epochs, RoundKind.FINAL))
    train = trainer.splits.whole(info)[0] if whole else trainer.splits.of(resolved, info)[0].train
    test = sealed.open_test(files, info)
    part = replace(train, x=test.x, y=test.y, rows=np.arange(len(test.y), dtype=np.intp))
    scores: list[Floats] = [np.empty(0)] * len(params)
    for positions in task.stacks(range(len(params)), 0):
        training = task.training(positions, train, None, stopped=lambda: False, keep_weights=True)
        training.run_to(epochs)
        for position, outcome in zip(positions, training.outcomes(), strict=True):
            scores[position] = _scores(task.shape(position), outcome.weights, part)
    return [np.stack(scores[i : i + models]) for i in range(0, len(params), models)]


def _scores(shape: nn.Shape, weights: nn.Weights | None, part: nn.Examples) -> Floats:
    targets: Any = part.y
    if weights is None:
        return np.zeros(len(targets))
    predicted = nn.evaluate(shape, weights, part).predicted[0]
    if targets.dtype.kind != "f":
        return (predicted == targets).astype(np.float64)
    errors = np.square(predicted.reshape(targets.shape) - targets) / targets.var()
    return 1.0 - errors if np.isfinite(errors).all() else np.zeros(len(targets))
