"""A spec together with the facts of its dataset: what a search is, once and for all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from hpsearch.space import Box, Choices, Dimension, Level, Params, Range, Space
from hpsearch.spec import schedule
from hpsearch.spec.hyperparameters import HYPERPARAMETERS, free, limited
from hpsearch.spec.models import SearchSpec

ShapeKey = tuple[Hashable, ...]

REPEAT_SHARE = 0.25  # of the rounds repeat the finalists
REPEAT_FROM = 3  # rounds; with fewer there is nothing to choose finalists from


@dataclass(frozen=True)
class DatasetFacts:
    """What a spec must know of its dataset: examples of the training part, features, classes."""

    digest: str
    n_train: int
    features: int
    classes: int

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DatasetFacts:
        """Facts from the stored description of a dataset; of an external search it is empty."""
        if not data:
            return NO_DATASET
        return cls(data["digest"], data["n_train"], data["features"], len(data["classes"]))


NO_DATASET = DatasetFacts("", 0, 0, 0)


@dataclass(frozen=True)
class ResolvedSpec:
    """A valid spec with its dataset's facts; everything else about a search follows from it."""

    spec: SearchSpec
    facts: DatasetFacts

    @cached_property
    def space(self) -> Space:
        """The asked space with every limit filled in."""
        if self.spec.external:
            return Space({name: free(asked) for name, asked in self.spec.space.items()})
        dimensions: dict[str, Any] = {}
        for name, asked in self.spec.space.items():
            highest = self.n_training if name == "batch_size" else None
            dimensions[name] = limited(name, asked, highest=highest)
        shaping = frozenset(n for n in dimensions if HYPERPARAMETERS[n].shaping)
        return Space(dimensions, shaping)

    @property
    def box(self) -> Box:
        """The first box: the asked ranges."""
        return self.space.dimensions

    @property
    def n_training(self) -> int:
        """Examples left for training once the validation part is taken out, about."""
        folds = self.spec.validation.folds
        held_out = self.spec.validation_fraction if folds is None else 1 / folds
        return max(1, round(self.facts.n_train * (1 - held_out)))

    @property
    def repeat_rounds(self) -> int:
        """How many of the rounds repeat the finalists; the others explore."""
        asked, rounds = self.spec.finalists.rounds, self.spec.rounds
        if asked is not None:
            return asked
        return max(1, round(rounds * REPEAT_SHARE)) if rounds >= REPEAT_FROM else 0

    @property
    def explore_rounds(self) -> int:
        """How many of the rounds explore."""
        return self.spec.rounds - self.repeat_rounds

    def trials(self, number: int) -> int:
        """Trials of exploring round 1, 2, ...; a repeat round has as many as the last one."""
        trials = self.spec.trials
        return schedule.between(trials.first, trials.last, number, self.explore_rounds)

    def rungs(self, number: int) -> tuple[int, ...]:
        """Rungs of exploring round 1, 2, ...: the first one grows from round to round."""
        epochs = self.spec.epochs
        first = schedule.between(epochs.first, epochs.last, number, self.explore_rounds)
        return schedule.rungs(first, epochs.last, halving=epochs.halving)

    def round_epochs(self, trials: int, rungs: Sequence[int]) -> int:
        """Epochs of a round of `trials` over all of them, when none diverges."""
        size = schedule.cohort_size(trials, self.spec.cohort)
        cohorts = schedule.split(range(trials), size)
        return sum(schedule.cohort_epochs(len(c), rungs) for c in cohorts)

    @property
    def epochs_planned(self) -> int:
        """Epochs of all planned rounds together, the final test not counted."""
        spec, last = self.spec, self.explore_rounds
        explored = (self.round_epochs(self.trials(r), self.rungs(r)) for r in range(1, last + 1))
        planned = sum(explored) + self.repeat_rounds * spec.trials.last * spec.epochs.last
        return planned if spec.epochs.budget is None else min(planned, spec.epochs.budget)

    @property
    def trials_planned(self) -> int:
        """Trials of all planned rounds together."""
        explored = sum(self.trials(r) for r in range(1, self.explore_rounds + 1))
        return explored + self.repeat_rounds * self.spec.trials.last

    def hyperparameters(self, params: Params) -> dict[str, Any]:
        """Every hyperparameter of a trial: the model's fixed ones and `params` over them.

        The result has `hidden_sizes`, whichever way the architecture was given.
        """
        values: dict[str, Any] = {**self.spec.model.model_dump(), **params}
        units, layers = values.pop("hidden_units", None), values.pop("hidden_layers", None)
        sizes = tuple(values["hidden_sizes"])
        if units is not None or layers is not None:
            width = int(units if units is not None else sizes[0])
            sizes = (width,) * int(layers if layers is not None else len(sizes))
        values["hidden_sizes"] = sizes
        values["batch_size"] = int(min(values["batch_size"], self.n_training))
        return values

    def shape_key(self, params: Params) -> ShapeKey:
        """What a trial shares with those it can be stacked with; the one grouping function.

        Returns
        -------
        tuple
            (hidden_sizes, activation, optimizer, batch_size, batch_norm); nothing where the
            caller trains
        """
        if self.spec.external:
            return ()
        values = self.hyperparameters(params)
        return (
            values["hidden_sizes"],
            values["activation"],
            values["optimizer"],
            values["batch_size"],
            values["batch_norm"],
        )

    def flops(self, params: Params, epochs: int) -> float:
        """Floating-point operations of one trial, about: 6 for each parameter and example.

        Two for the forward product, four for the two products of the backward one.
        """
        examples = self.facts.n_train * self.spec.validation.splits
        return 6.0 * self.parameters(params) * examples * epochs

    def updates(self, params: Params, epochs: int) -> int:
        """Minibatches of one trial."""
        batches = -(-self.facts.n_train // int(self.hyperparameters(params)["batch_size"]))
        return epochs * batches * self.spec.validation.splits

    def parameters(self, params: Params) -> int:
        """Weights and biases of a trial's network."""
        return network_parameters(
            self.facts.features, self.hyperparameters(params)["hidden_sizes"], self.facts.classes
        )


def network_parameters(features: int, hidden_sizes: tuple[int, ...], classes: int) -> int:
    """Weights and biases of a dense network."""
    sizes = (features, *hidden_sizes, classes)
    return sum((a + 1) * b for a, b in pairwise(sizes))


def typed(dimension: Dimension, value: float | Level) -> Level:
    """`value` as trials have it: whole numbers of a range as int."""
    if isinstance(dimension, Range) and dimension.integer:
        return int(value)  # type: ignore[arg-type]  # a range holds numbers
    return value


def largest_parameters(resolved: ResolvedSpec, limits: Mapping[str, float] | None = None) -> int:
    """Weights and biases of the largest network that the space can ask for.

    `limits` are tried in place of the hard limits of hidden_units and hidden_layers.
    """
    largest: dict[str, Any] = {}
    for name in ("hidden_units", "hidden_layers"):
        dimension = resolved.space.dimensions.get(name)
        if isinstance(dimension, Range):
            largest[name] = (limits or {}).get(name, dimension.hard_high)
        elif isinstance(dimension, Choices):
            largest[name] = max(dimension.choices, key=float)  # type: ignore[arg-type]  # numbers, by the table
    sizes = resolved.space.dimensions.get("hidden_sizes")
    options = sizes.choices if isinstance(sizes, Choices) else (None,)
    return max(
        resolved.parameters({**largest, **({} if o is None else {"hidden_sizes": o})})
        for o in options
    )
