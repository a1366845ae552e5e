"""The interface of a kind of training: everything that the rest of the product asks it.

The class answers for a spec by itself, an instance for a spec with the facts of its dataset.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import BaseModel

from hpsearch.columns import Column
from hpsearch.combinations import Combination, among
from hpsearch.errors import Mistake
from hpsearch.metrics import Task
from hpsearch.reasons import Side
from hpsearch.settings import Settings
from hpsearch.space import (
    Box,
    Dimension,
    Level,
    Params,
    Range,
    Space,
    conditions_in,
    guesses_in,
    plain,
    unfit,
)
from hpsearch.trials import SCORE_MOST

ShapeKey = tuple[Hashable, ...]
Conditions = Mapping[str, tuple[str, tuple[Level, ...]]]
"""Hyperparameter -> another one, and its values beside which the first has an effect."""


@dataclass(frozen=True)
class DatasetFacts:
    """Facts of a dataset that a spec depends on; `classes` is 0 where its targets are numbers.

    `features` is the product of `example_shape`, which is (features,) where it is (). `columns` are
    those of a table with gaps or words, whose inputs are made of them; `image` is True of images;
    `positive` is the number of the class that metrics of two classes speak of; `groups` and `time`
    are the columns that its rows are split by, empty without. `weight` is the column that says how
    much each row counts, "" without one, and `n_counted` how many training rows have a weight above 0.
    `n_validated` counts the training rows that validate in a search, where groups or time decide which
    these are; 0 of a dataset without a search, and of one without groups and time.
    """

    digest: str
    n_train: int
    features: int
    classes: int
    task: Task = "classification"
    example_shape: tuple[int, ...] = ()
    positive: int = 1
    columns: tuple[Column, ...] = ()
    image: bool = False
    groups: str = ""
    time: str = ""
    weight: str = ""
    n_counted: int = 0
    n_validated: int = 0

    def inputs(self, max_levels: int) -> int:
        """Inputs of a network, where a category has one for each of at most `max_levels`."""
        if not self.columns:
            return self.features
        others, levels = self._widths
        return others + sum(min(count, max_levels) for count in levels)

    @cached_property
    def _widths(self) -> tuple[int, tuple[int, ...]]:
        """Inputs besides those for single levels, and the levels of each category."""
        levels = tuple(len(c.levels) for c in self.columns if c.kind == "category")
        return sum(column.inputs(0) for column in self.columns), levels

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
            columns=tuple(map(Column.from_json, data.get("columns", ()))),
            image=data.get("kind") == "image",
            groups=data.get("groups", ""),
            time=data.get("time", ""),
            weight=data.get("weight", ""),
            n_counted=int(data.get("weights", (0,))[0]),
            n_validated=data.get("validated", 0),
            positive=list(data["classes"]).index(data["positive"]) if data.get("positive") else 1,
        )


_NO_COSTS = (
    "costs are reported by the trainers of an external search; bound this one by epochs, trials or "
    "seconds"
)
FULL_LEAST = 8  # epochs of a full training
TRAININGS, TRAININGS_EACH = 40, 30  # of a search, and more for each hyperparameter

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
    `repeats` times, the folds are used where there are any. `trial_seconds` bounds a trial that is
    trained elsewhere. `groups` and `time` are columns that the spec names, None where it does not;
    `weight` is the column by which rows count, None where all count the same. `forbidden` are values
    that no trial may have together.
    """

    dataset: str | None
    facts: DatasetFacts
    objective: str
    space: Box
    model: BaseModel
    folds: int | None
    repeats: int
    fraction: float
    trial_seconds: float | None = None
    groups: str | None = None
    time: str | None = None
    weight: str | None = None
    forbidden: Sequence[Combination] = ()

    def space_of(self, limited: Mapping[str, Dimension], shaping: Collection[str] = ()) -> Space:
        """The space of the asked ranges with their limits, by name: its conditions, and what is forbidden."""
        return Space(
            {name: plain(dimension) for name, dimension in limited.items()},
            frozenset(shaping),
            conditions_in(self.space),
            self.forbidden,
            guesses_in(self.space),
        )

    @property
    def splits(self) -> int:
        """Trainings of one trial, each with another validation part."""
        return self.folds or self.repeats

    @property
    def n_rows(self) -> int:
        """Examples of the training part that count."""
        return self.facts.n_train if self.weight is None else self.facts.n_counted

    @property
    def n_training(self) -> int:
        """Examples left for training once the validation part is taken out, about."""
        held_out = self.fraction if self.folds is None else 1 / self.folds
        return max(1, round(self.n_rows * (1 - held_out)))

    @property
    def n_validation(self) -> int:
        """Examples of the training part that validate a trial on some split: counted, or else about."""
        if self.facts.n_validated:
            return self.facts.n_validated
        n = self.n_rows
        if self.facts.time:  # stretches of time that follow each other, none of them the first one
            held_out = self.repeats * self.fraction
            return round(n * (held_out if self.folds is None else self.folds / (self.folds + 1)))
        return n if self.folds is not None else round(n * (1 - (1 - self.fraction) ** self.repeats))


class Workload(ABC):
    """A kind of training, for the search of one setup.

    trained_here
        This service's workers train it, on a dataset of the service; otherwise its caller does,
        who claims one trial at a time, reports its scores and keeps its models.
    left_out, never_stored
        Paths of fields that a spec of this kind does not have, those that no stored spec has among
        them; `why_not` says why, `not_here` of those that it does not name.
    final_as_long
        The final test trains as long as a full trial where nothing else is asked.
    measures_optimism
        One more model of the final test is trained on the training part alone.
    known_names, sizing
        Quantities that follow from a setting, and the hyperparameters that they depend on. Along a
        range of whole numbers each of them rises, or falls, all the way.
    """

    trained_here: ClassVar[bool]
    left_out: ClassVar[tuple[str, ...]] = ("external", "direction", "max_cost")
    never_stored: ClassVar[tuple[str, ...]] = ("budget.cost",)
    not_here: ClassVar[str] = "is of a search whose objective is external; drop it"
    why_not: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "direction": "the objective's metric knows which way is better; drop it",
            "max_cost": _NO_COSTS,
            "budget.cost": _NO_COSTS,
        }
    )
    final_as_long: ClassVar[bool] = False
    measures_optimism: ClassVar[bool] = True
    advice: ClassVar[Advice] = Advice()
    known_names: ClassVar[tuple[str, ...]] = ()
    sizing: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    @classmethod
    @abstractmethod
    def objectives(cls) -> Sequence[str]:
        """Objectives that a search of this kind may have."""

    @classmethod
    def mistakes(cls, parts: ValidParts) -> list[Mistake]:
        """Fields that such a spec does not have, before the whole of it is valid."""
        paths = (*cls.left_out, *cls.never_stored)
        return [
            Mistake(path, cls.why_not.get(path, cls.not_here))
            for path in paths
            if _has(parts.data, path)
        ]

    @classmethod
    def fixed(cls, model: BaseModel, space: Mapping[str, object]) -> Mapping[str, Any]:  # noqa: ARG003 - the interface's
        """Values of the model that no trial changes, by name."""
        return {}

    @classmethod
    def conditions(cls, space: Mapping[str, object]) -> Conditions:  # noqa: ARG003 - the interface's
        """The searched hyperparameters that have an effect beside some values of another one alone."""
        return {}

    def effective(self, params: Params) -> Params:
        """The values of a trial that have an effect beside the others in it."""
        conditions = self.conditions(self.setup.space)
        return {
            name: value
            for name, value in params.items()
            if name not in conditions
            or conditions[name][0] not in params
            or among(params[conditions[name][0]], conditions[name][1])
        }

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

    def defaults(self) -> Params:
        """Values that searched hyperparameters have where nothing is said of them; of some, none."""
        return {}

    def fixed_values(self) -> Params:
        """Values of the hyperparameters that are not searched."""
        return {}

    def translated(self, setting: Params) -> tuple[Params, Mapping[str, str]]:
        """A setting by the names that are searched, and its hyperparameters that have none."""
        return setting, {}

    def refusal(self, name: str, value: Level) -> str | None:
        """The reason why a searched hyperparameter may not have a value, wherever its range lies."""
        return unfit(self.setup.space[name], value)

    def oversized(self, params: Params, settings: Settings) -> str | None:  # noqa: ARG002 - the interface's
        """The reason why a trial with these values is beyond the caps, wherever the ranges lie."""
        return None

    def ends_at(self, name: str, side: Side, value: float) -> bool:  # noqa: ARG002 - the interface's
        """Tell whether `value` is the end of what a hyperparameter may be on that side."""
        return False

    def shape_key(self, params: Params) -> ShapeKey:  # noqa: ARG002 - the interface's
        """The values that a trial shares with those it can be stacked with."""
        return ()

    def planned(self, named: Collection[str], settings: Settings) -> Mapping[str, Any]:  # noqa: ARG002 - the interface's
        """Fields of the model that a plan chooses, as JSON has them; `named` are those of its user."""
        return {}

    def networks_planned(self, settings: Settings) -> int:  # noqa: ARG002 - the interface's
        """Networks of which a plan makes the recommended model."""
        return 1

    def hyperparameters(self, params: Params) -> dict[str, Any]:
        """Every hyperparameter of a trial: the fixed ones and `params` over them."""
        return dict(params)

    def known(self, params: Params, epochs: int) -> Mapping[str, float]:  # noqa: ARG002 - the interface's
        """Quantities of a training of so many epochs that follow from its setting: `known_names`."""
        return {}

    def parameters(self, params: Params) -> int | None:  # noqa: ARG002 - the interface's
        """Numbers that a trial's model learns; None where nobody here knows."""
        return None

    @property
    def epochs_in_full(self) -> tuple[int, int | None]:
        """Epochs of a full training where its user names none: the fewest, and those it should have.

        The latter are None where nobody here knows: a named budget has to say it.
        """
        return FULL_LEAST, None

    def trainings(self, epochs: int) -> int:  # noqa: ARG002 - the interface's
        """Full trainings of so many epochs that a search may take where its user names no budget."""
        return TRAININGS + TRAININGS_EACH * len(self.setup.space)

    @property
    def epoch_seconds(self) -> float | None:
        """Seconds that an epoch of one trial takes at the least, about; None where nobody knows."""
        return None

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

    @property
    def counts(self) -> bool:
        """True where correct predictions are counted and tell how good a trial is.

        Of weighted examples they are counted too, and tell nothing: an accuracy is then a share of
        the weights.
        """
        return self.classifies and self.setup.weight is None

    @property
    def independent(self) -> bool:
        """True where counted examples are independent, so that their number tells a score's noise.

        Those of one group are alike: the binomial noise of so many is too small, and a test that
        pairs them finds differences which other groups would not show.
        """
        return self.counts and not self.setup.facts.groups


def _has(data: object, path: str) -> bool:
    for name in path.split("."):
        if not isinstance(data, Mapping) or name not in data:
            return False
        data = data[name]
    return True
