"""The interface of a kind of training: everything that the rest of the product asks it.

The class answers for a spec by itself, an instance for a spec with the facts of its dataset.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel

from hpsearch.errors import Mistake
from hpsearch.metrics import Task
from hpsearch.settings import Settings
from hpsearch.space import Box, Dimension, Params, Range, Space
from hpsearch.trials import SCORE_MOST

ShapeKey = tuple[Hashable, ...]


@dataclass(frozen=True)
class DatasetFacts:
    """Facts of a dataset that a spec depends on; `classes` is 0 where its targets are numbers.

    `features` is the product of `example_shape`, which is (features,) where it is ().
    """

    digest: str
    n_train: int
    features: int
    classes: int
    task: Task = "classification"
    example_shape: tuple[int, ...] = ()

    @property
    def outputs(self) -> int:
        """Numbers that a model answers with for one example."""
        return self.classes or 1

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DatasetFacts:
        """Facts from the stored description of a dataset; it is empty where there is none."""
        if not data:
            return NO_DATASET
        return cls(
            digest=data["digest"],
            n_train=data["n_train"],
            features=data["features"],
            classes=len(data["classes"]),
            task=data.get("task", "classification"),
            example_shape=tuple(data.get("shape", ())),
        )


NO_DATASET = DatasetFacts("", 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Advice:
    """Ways out that a health note or a reason names; they differ with who trains.

    all_diverged, many_diverged
        In place of a search whose trials diverged, all or many of them.
    or_clip, or_lower
        Alternatives behind another advice; empty where there is none.
    fixed_in
        Path of the field that fixes a hyperparameter which is not searched, up to its name.
    """

    all_diverged: str = "search other ranges"
    many_diverged: str = "search other ranges"
    or_clip: str = ""
    or_lower: str = ""
    fixed_in: str = ""


@dataclass(frozen=True, slots=True)
class ValidParts:
    """The parts of a spec that validated by themselves, and what its user wrote.

    data
        The whole spec as it was sent.
    fixed, searched
        Names in its model and in its space, valid or not.
    """

    data: Mapping[str, Any]
    model: BaseModel | None
    fixed: frozenset[str]
    searched: Sequence[str]
    space: Mapping[str, Dimension]


@dataclass(frozen=True)
class Setup:
    """The part of a resolved spec that a training depends on.

    `space` holds the ranges as they were asked; of `folds` and the fraction that is held out
    `repeats` times, the folds are used where there are any.
    """

    dataset: str | None
    facts: DatasetFacts
    objective: str
    space: Box
    model: BaseModel
    folds: int | None
    repeats: int
    fraction: float

    @property
    def splits(self) -> int:
        """Trainings of one trial, each with another validation part."""
        return self.folds or self.repeats

    @property
    def n_training(self) -> int:
        """Examples left for training once the validation part is taken out, about."""
        held_out = self.fraction if self.folds is None else 1 / self.folds
        return max(1, round(self.facts.n_train * (1 - held_out)))

    @property
    def n_validation(self) -> int:
        """Examples of the training part that validate a trial on some split, about."""
        n = self.facts.n_train
        return n if self.folds is not None else round(n * (1 - (1 - self.fraction) ** self.repeats))


class Workload(ABC):
    """A kind of training, for the search of one setup.

    trained_here
        This service's workers train it, on a dataset of the service; otherwise its caller does,
        who claims one trial at a time, reports its scores and keeps its models.
    left_out
        Paths of fields that a spec of this kind does not have.
    final_as_long
        The final test trains as long as a full trial where nothing else is asked.
    measures_optimism
        One more model of the final test is trained on the training part alone.
    """

    trained_here: ClassVar[bool]
    left_out: ClassVar[tuple[str, ...]] = ()
    final_as_long: ClassVar[bool] = False
    measures_optimism: ClassVar[bool] = True
    advice: ClassVar[Advice] = Advice()

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    @classmethod
    @abstractmethod
    def objectives(cls) -> Sequence[str]:
        """Objectives that a search of this kind may have."""

    @classmethod
    @abstractmethod
    def mistakes(cls, parts: ValidParts) -> list[Mistake]:
        """Mistakes between model and space of a spec, before the whole of it is valid."""

    @classmethod
    def fixed(cls, model: BaseModel, space: Mapping[str, object]) -> Mapping[str, Any]:  # noqa: ARG003 - the interface's
        """Values of the model that no trial changes, by name."""
        return {}

    def capped(self, settings: Settings) -> Iterator[tuple[str, int, int]]:  # noqa: ARG002 - the interface's
        """(path, value, cap) of each size that the settings bound; the facts are not looked at."""
        yield from ()

    def lowered(self, settings: Settings) -> Mapping[str, Range]:  # noqa: ARG002 - the interface's
        """Asked ranges with limits of their own, where expansion would pass the caps."""
        return {}

    def unfit(self, parts: ValidParts, settings: Settings) -> list[Mistake]:  # noqa: ARG002 - the interface's
        """Mistakes of a valid spec on this dataset and under these caps."""
        return []

    @property
    @abstractmethod
    def space(self) -> Space:
        """The asked space with every limit filled in."""

    def shape_key(self, params: Params) -> ShapeKey:  # noqa: ARG002 - the interface's
        """The values that a trial shares with those it can be stacked with."""
        return ()

    def hyperparameters(self, params: Params) -> dict[str, Any]:
        """Every hyperparameter of a trial: the fixed ones and `params` over them."""
        return dict(params)

    @abstractmethod
    def seconds(self, trials: Sequence[Params], epochs: int, settings: Settings) -> float:
        """The deadline of a job with these trials."""

    @property
    def score_bounds(self) -> tuple[float, float]:
        """Lowest and highest score that a trial may have, higher is better."""
        return -SCORE_MOST, SCORE_MOST

    @property
    def validation_examples(self) -> int | None:
        """Examples that score a trial; None where the service does not know them."""
        return None

    @property
    def classifies(self) -> bool:
        """True where trials tell classes apart, and the service knows.

        Reports then count correct predictions, and a loss is minus the log of the right class's
        probability. Otherwise a score is all that decisions can rely on.
        """
        return False
