"""The workload of dense networks: their space, their shapes and their cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from hpsearch import nn
from hpsearch.errors import Mistake
from hpsearch.metrics import METRICS
from hpsearch.settings import Settings
from hpsearch.space import Choices, Params, Range, Space
from hpsearch.trials import SCORE_MOST
from hpsearch.workloads.base import Advice, ShapeKey, ValidParts, Workload
from hpsearch.workloads.dense import caps, checks
from hpsearch.workloads.dense.hyperparameters import (
    ARCHITECTURE,
    hyperparameters,
    limited,
    shaping,
)
from hpsearch.workloads.dense.layers import behind, misplaced
from hpsearch.workloads.dense.model import ModelSpec


class Dense(Workload):
    """A network of dense layers, trained on a dataset of the service."""

    trained_here = True
    advice = Advice(
        all_diverged="lower the learning-rate range, or give it a lower hard_low",
        many_diverged="lower the learning rate, or set model.clip_norm",
        or_clip=", or model.clip_norm",
        or_lower=", or with a lower hard_high of the learning rate",
        fixed_in="model.",
    )

    @classmethod
    def objectives(cls) -> Sequence[str]:
        """Every metric."""
        return tuple(METRICS)

    @classmethod
    def mistakes(cls, parts: ValidParts) -> list[Mistake]:
        """Mistakes between model and space."""
        return checks.model_against_space(parts)

    @classmethod
    def fixed(cls, model: BaseModel, space: Mapping[str, object]) -> Mapping[str, Any]:
        """The fields of the model that are not searched, nor replaced by what is."""
        varying = {*space, *(("hidden_sizes",) if ARCHITECTURE.keys() & space.keys() else ())}
        return {name: value for name, value in model if name not in varying}

    @property
    def model(self) -> ModelSpec:
        """The fixed hyperparameters."""
        model = self.setup.model
        assert isinstance(model, ModelSpec)  # the spec's field has no other type
        return model

    @cached_property
    def _fixed(self) -> Mapping[str, Any]:
        return dict(self.model)

    @property
    def layers(self) -> tuple[nn.LayerSpec, ...]:
        """The layers in front of the hidden ones."""
        layers: tuple[nn.LayerSpec, ...] = getattr(self.model, "layers", ())
        return layers

    def capped(self, settings: Settings) -> Iterator[tuple[str, int, int]]:
        """Layers and units."""
        yield from caps.architecture(self.model.hidden_sizes, self.setup.space, settings)

    def lowered(self, settings: Settings) -> Mapping[str, Range]:
        """Ranges of units and layers that would grow beyond the caps."""
        box = self.space.dimensions
        return caps.lowered(self.setup.space, box, self.largest_parameters, settings)

    def unfit(self, parts: ValidParts, settings: Settings) -> list[Mistake]:
        """Batches and folds for which there are too few examples, and networks beyond the cap."""
        setup = self.setup
        return [
            *checks.batch_size(setup, parts, self.model.batch_size),
            *caps.too_large(setup.space, self.largest_parameters(), settings),
            *checks.folds(setup),
            *misplaced(self.layers, setup.facts),
            *checks.task(setup, self.model),
        ]

    @cached_property
    def space(self) -> Space:
        """The asked space; no batch is larger than the training part."""
        table, dimensions = hyperparameters(), {}
        for name, asked in self.setup.space.items():
            highest = self.setup.n_training if name == "batch_size" else None
            dimensions[name] = limited(table[name], asked, highest=highest)
        return Space(dimensions, frozenset(n for n in dimensions if table[n].shaping))

    def hyperparameters(self, params: Params) -> dict[str, Any]:
        """Every hyperparameter of a trial: the model's fixed ones and `params` over them.

        The result has `hidden_sizes`, whichever way the architecture is asked for.
        """
        values: dict[str, Any] = {**self._fixed, **params}
        units, layers = values.pop("hidden_units", None), values.pop("hidden_layers", None)
        sizes = tuple(values["hidden_sizes"])
        if units is not None or layers is not None:
            width = int(units if units is not None else sizes[0])
            sizes = (width,) * int(layers if layers is not None else len(sizes))
        values["hidden_sizes"] = sizes
        values["batch_size"] = int(min(values["batch_size"], self.setup.n_training))
        return values

    def shape_key(self, params: Params) -> ShapeKey:
        """The values of the shaping hyperparameters, in the order of the model's fields."""
        values = self.hyperparameters(params)
        return tuple(values[name] for name in shaping())

    def flops(self, params: Params, epochs: int) -> float:
        """Floating-point operations of one trial, about: 6 for each parameter and example.

        Two for the forward product, four for the two products of the backward one.
        """
        examples = self.setup.facts.n_train * self.setup.splits
        return 6.0 * self.parameters(params) * examples * epochs

    def updates(self, params: Params, epochs: int) -> int:
        """Minibatches of one trial."""
        size = int(self.hyperparameters(params)["batch_size"])
        return epochs * -(-self.setup.facts.n_train // size) * self.setup.splits

    def parameters(self, params: Params) -> int:
        """Weights and biases of a trial's network, and whatever its other layers learn."""
        facts, sizes = self.setup.facts, self.hyperparameters(params)["hidden_sizes"]
        features, more = behind(self.layers, facts)
        return network_parameters(features, sizes, facts.outputs) + more

    def largest_parameters(self, limits: Mapping[str, float] | None = None) -> int:
        """Weights and biases of the largest network that the space can ask for.

        `limits` are tried in place of the hard limits of hidden_units and hidden_layers.
        """
        box, largest = self.space.dimensions, dict[str, Any]()
        for name in ARCHITECTURE:
            dimension = box.get(name)
            if isinstance(dimension, Range):
                largest[name] = (limits or {}).get(name, dimension.hard_high)
            elif isinstance(dimension, Choices):
                largest[name] = max(dimension.choices, key=float)  # type: ignore[arg-type]  # numbers, by the table
        sizes = box.get("hidden_sizes")
        options = sizes.choices if isinstance(sizes, Choices) else (None,)
        return max(
            self.parameters({**largest, **({} if o is None else {"hidden_sizes": o})})
            for o in options
        )

    def seconds(self, trials: Sequence[Params], epochs: int, settings: Settings) -> float:
        """A floor, and the work of the trials at the pace of the slowest machine that is allowed."""
        pace, step = settings.deadline_gflops * 1e9, settings.deadline_step_seconds
        return settings.deadline_floor_seconds + sum(
            self.flops(params, epochs) / pace + self.updates(params, epochs) * step
            for params in trials
        )

    @property
    def score_bounds(self) -> tuple[float, float]:
        """The bounds of the metric's rank value."""
        low, high = METRICS[self.setup.objective].rank_bounds
        return max(low, -SCORE_MOST), min(high, SCORE_MOST)

    @property
    def validation_examples(self) -> int:
        """Examples of the training part that validate a trial on some split, about."""
        return self.setup.n_validation

    @property
    def classifies(self) -> bool:
        """True where the dataset has classes."""
        return self.setup.facts.task == "classification"


def network_parameters(features: int, hidden_sizes: tuple[int, ...], outputs: int) -> int:
    """Weights and biases of a dense network."""
    sizes = (features, *hidden_sizes, outputs)
    return sum((a + 1) * b for a, b in pairwise(sizes))
