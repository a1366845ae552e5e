"""Real trainings for every contender: the same engine, the same split, the same test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hpsearch import nn
from hpsearch.data import DatasetInfo, DatasetStore, sealed
from hpsearch.settings import load
from hpsearch.space import Params
from hpsearch.spec import ResolvedSpec, parse
from hpsearch.training import Task, Trainer
from hpsearch.training.data_splits import DataSplit
from hpsearch.trials import JobOrder, RoundKind
from hpsearch.workloads import DatasetFacts

TESTED = 5  # models of a recommendation, each with its own seed


@dataclass(frozen=True)
class Engine:
    """One search's dataset and spec, ready to train single trials or whole jobs."""

    files: DatasetStore
    info: DatasetInfo
    resolved: ResolvedSpec

    @classmethod
    def of(cls, files: DatasetStore, info: DatasetInfo, asked: Mapping[str, Any]) -> Engine:
        """The engine of a spec as a user sends it."""
        facts = DatasetFacts.from_json(info.to_json())
        return cls(files, info, parse(dict(asked), facts, load()))

    @cached_property
    def trainer(self) -> Trainer:
        """What a worker holds."""
        return Trainer(self.files)

    @cached_property
    def split(self) -> DataSplit:
        """Training and validation part."""
        return self.trainer.splits.of(self.resolved, self.info)[0]

    def order(
        self, kind: RoundKind, number: int, indices: Sequence[int], params: Sequence[Params],
        rungs: Sequence[int], cohorts: Sequence[int],
    ) -> JobOrder:  # fmt: skip
        """A job of round `number`."""
        return JobOrder(
            search_id="benchmark", kind=kind, round=number, epochs=rungs[-1],
            spec=self.resolved.spec.to_json(), dataset=self.info.to_json(), indices=indices,
            params=params, roles=[None] * len(indices), rungs=rungs, cohorts=cohorts,
        )  # fmt: skip

    def single(self, index: int, params: Params, epochs: int) -> nn.Training:
        """One trial by itself that can pause after any epoch, as a sequential search trains."""
        order = self.order(RoundKind.EXPLORE, 1, [index], [params], (epochs,), [0])
        train, validation = self.split.train, self.split.validation
        return Task.of(order).training([0], train, validation, stopped=lambda: False)

    def tested(self, params: Params) -> float:
        """Mean test accuracy of `TESTED` models, trained on training and validation part."""
        epochs, indices = self.resolved.spec.final.epochs, range(TESTED)
        order = self.order(
            RoundKind.FINAL, 0, indices, [params] * TESTED, (epochs,), [0] * TESTED
        )  # fmt: skip
        task, (whole, _) = Task.of(order), self.trainer.splits.whole(self.info)
        training = task.training(
            list(indices), whole, None, stopped=lambda: False, keep_weights=True
        )
        training.run_to(epochs)
        test = sealed.open_test(self.files, self.info)
        rows = np.arange(len(test.y), dtype=np.intp)
        part = nn.Examples(x=test.x, y=test.y, rows=rows, shift=whole.shift, scale=whole.scale)
        found = [
            0.0 if outcome.weights is None
            else float((nn.predict_values(task.shape(0), outcome.weights, part)[0].argmax(axis=1)
                        == test.y).mean())
            for outcome in training.outcomes()
        ]  # fmt: skip
        return float(np.mean(found))
