"""The workload of dense networks: their space, their shapes and their cost."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from hpsearch import nn
from hpsearch.errors import Mistake
from hpsearch.metrics import METRICS
from hpsearch.reasons import Side
from hpsearch.settings import Settings
from hpsearch.space import Choices, Level, Params, Range, Space
from hpsearch.trials import SCORE_MOST
from hpsearch.workloads.base import (
    FULL_LEAST,
    Advice,
    Conditions,
    ShapeKey,
    ValidParts,
    Workload,
)
from hpsearch.workloads.dense import caps, checks, planned, settings
from hpsearch.workloads.dense.hyperparameters import (
    ARCHITECTURE,
    hyperparameters,
    limited,
    shaping,
)
from hpsearch.workloads.dense.layers import behind, misplaced
from hpsearch.workloads.dense.model import ModelSpec, current_model

UPDATES = 2_000  # minibatches that a small network needs, about
UPDATES_LEAST = 256  # the same, of a training that has to be short
FULL_MOST, SHORT_MOST = 200, 20  # epochs of these trainings
FLOPS = 1e14  # of a search whose user names no budget: hours of one core
TRAININGS_LEAST = 40  # of such a search, whatever they take
PACE, STEP_SECONDS = 1e11, 1e-5  # floating-point operations a second, and seconds of a minibatch


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
    known_names = ("parameters", "estimated_seconds")
    sizing = frozenset({*ARCHITECTURE, "hidden_sizes", "max_levels", "batch_size"})

    @classmethod
    def objectives(cls) -> Sequence[str]:
        """Every metric."""
        return tuple(METRICS)

    @classmethod
    def mistakes(cls, parts: ValidParts) -> list[Mistake]:
        """Mistakes between model and space, too."""
        return [*super().mistakes(parts), *checks.model_against_space(parts)]

    @classmethod
    def fixed(cls, model: BaseModel, space: Mapping[str, object]) -> Mapping[str, Any]:
        """The fields of the model that are not searched, nor replaced by what is."""
        varying = {*space, *(("hidden_sizes",) if ARCHITECTURE.keys() & space.keys() else ())}
        return {name: value for name, value in model if name not in varying}

    @classmethod
    def conditions(cls, space: Mapping[str, object]) -> Conditions:
        """Constants of optimizers, where the optimizer is searched as well, and the like."""
        table, conditions = hyperparameters(), {}
        for name in space:
            needs = table[name].needs if name in table else None
            searched = None if needs is None else space.get(needs.other)
            if needs is None or searched is None:
                continue
            choices = searched.choices if isinstance(searched, Choices) else ()
            useful = needs.levels or tuple(one for one in choices if needs.met_by(one))
            conditions[name] = needs.other, useful
        return conditions

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
            *self._too_large(settings),
            *checks.folds(setup),
            *misplaced(self.layers, setup.facts, self.model.max_levels),
            *checks.task(setup, self.model),
            *checks.inputs(setup, self.model),
            *checks.split_by(setup),
            *checks.weight(setup),
        ]

    def _too_large(self, settings: Settings) -> list[Mistake]:
        """The mistake of networks beyond the cap, which levels of a category can make alone."""
        largest, cap = self.largest_parameters(), settings.max_parameters
        if largest > cap and self.largest_parameters({"max_levels": 1}) <= cap:
            return [caps.too_many_levels(self.setup, largest, cap)]
        return caps.too_large(self.setup.space, largest, settings)

    @cached_property
    def space(self) -> Space:
        """The asked space; no batch is larger than the training part."""
        table, dimensions = hyperparameters(), {}
        for name, asked in self.setup.space.items():
            highest = self.setup.n_training if name == "batch_size" else None
            dimensions[name] = limited(table[name], asked, highest=highest)
        return self.setup.space_of(dimensions, [n for n in dimensions if table[n].shaping])

    def defaults(self) -> Params:
        """The defaults of the model's fields."""
        return settings.defaults(self.setup)

    def fixed_values(self) -> Params:
        """The hyperparameters of the model that are not searched."""
        return settings.fixed_values(self.model, self.setup.space)

    def translated(self, setting: Params) -> tuple[Params, Mapping[str, str]]:
        """A setting with its units and layers by the names that are searched."""
        return settings.translated(setting, self.model, self.setup.space)

    def refusal(self, name: str, value: Level) -> str | None:
        """The reason for a value outside the hyperparameter's domain, or unfit for the dataset."""
        return settings.refusal(self.setup, name, value)

    def oversized(self, params: Params, settings: Settings) -> str | None:
        """A network with more layers, units or parameters than the caps allow."""
        sizes = self.hyperparameters(params)["hidden_sizes"]
        for _, value, cap in caps.layers("hidden_sizes", sizes, settings):
            if value > cap:
                return f"hidden layers {list(sizes)}: {value:,} is beyond this service's cap of {cap:,}"
        count, most = self.parameters(params), settings.max_parameters
        return (
            f"its network would have {count:,} parameters, the cap is {most:,}"
            if count > most
            else None
        )

    def planned(self, named: Collection[str], settings: Settings) -> Mapping[str, Any]:
        """Network and optimizer by dataset and space (`hpsearch.workloads.dense.planned`)."""
        full = self.epochs_in_full[1]
        usual = super().trainings(full)

        def fits(fields: Mapping[str, Any]) -> bool:
            model = current_model().model_validate({**self._given, **fields})
            other = Dense(replace(self.setup, model=model))
            return (
                not other._too_large(settings)
                and not any(size > cap for _, size, cap in other.capped(settings))
                and other._largest_flops(full) * usual <= FLOPS
            )

        return planned.network(self.setup, named, fits)

    def networks_planned(self, settings: Settings) -> int:
        """Several, where the table is small, within the caps on models and parameters."""
        wished = min(planned.networks(self.setup.facts), settings.max_final_models)
        fits = wished * self.largest_parameters() <= settings.max_parameters
        return wished if fits else 1

    @property
    def _given(self) -> Mapping[str, Any]:
        """The fields of the model that a document has."""
        given: Mapping[str, Any] = self.model.model_dump(exclude_unset=True)
        return given

    def ends_at(self, name: str, side: Side, value: float) -> bool:
        """Tell whether `value` is an end of the hyperparameter's domain."""
        known = hyperparameters()[name]
        if side is Side.LOW:
            return value <= known.low
        largest = self.setup.n_training if name == "batch_size" else known.high
        return value >= min(known.high, largest)

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
        values["max_levels"] = int(values["max_levels"])
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

    @property
    def epochs_in_full(self) -> tuple[int, int]:
        """So many that a training has `UPDATES_LEAST` minibatches (8 to 20), or `UPDATES` (to 200).

        Fewer than the latter where `TRAININGS_LEAST` such trainings take more than `FLOPS`.
        """
        within = int(FLOPS / (TRAININGS_LEAST * self._largest_flops(1)))
        short = min(self._epochs_for(UPDATES_LEAST), SHORT_MOST)
        return short, max(short, min(self._epochs_for(UPDATES), FULL_MOST, within))

    def _epochs_for(self, updates: int) -> int:
        """Epochs with so many minibatches, `FULL_LEAST` at the least."""
        size = min(self.model.batch_size, self.setup.n_training)
        return max(-(-updates // -(-self.setup.n_training // size)), FULL_LEAST)

    def trainings(self, epochs: int) -> int:
        """Fewer than the usual number, down to `TRAININGS_LEAST`, where they take more than `FLOPS`."""
        usual = super().trainings(epochs)
        within = int(FLOPS / self._largest_flops(epochs))
        return min(usual, max(within, TRAININGS_LEAST))

    @property
    def epoch_seconds(self) -> float:
        """At the pace of a fast core, one stack of many trials."""
        return self._largest_flops(1) / PACE + self.updates({}, 1) * STEP_SECONDS

    def _largest_flops(self, epochs: int) -> float:
        """Floating-point operations of the largest asked network in so many epochs, about."""
        examples = self.setup.facts.n_train * self.setup.splits
        return 6.0 * self.largest_parameters() * examples * epochs

    def parameters(self, params: Params) -> int:
        """Weights and biases of a trial's network, and whatever its other layers learn."""
        facts, values = self.setup.facts, self.hyperparameters(params)
        features, more = behind(self.layers, facts, values["max_levels"])
        return network_parameters(features, values["hidden_sizes"], facts.outputs) + more

    def known(self, params: Params, epochs: int) -> Mapping[str, float]:
        """Weights, and the seconds of a training at the pace of one fast core, as a plan counts them."""
        seconds = self.flops(params, epochs) / PACE + self.updates(params, epochs) * STEP_SECONDS
        return {"parameters": self.parameters(params), "estimated_seconds": seconds}

    def largest_parameters(self, limits: Mapping[str, float] | None = None) -> int:
        """Weights and biases of the largest network that the space can ask for.

        `limits` are tried in place of the hard limits of hidden_units and hidden_layers, and of
        max_levels.
        """
        box, largest = self.space.dimensions, dict[str, Any]()
        for name in (*ARCHITECTURE, "max_levels"):
            dimension = box.get(name)
            if isinstance(dimension, Range):
                largest[name] = (limits or {}).get(name, dimension.hard_high)
            elif isinstance(dimension, Choices):
                largest[name] = max(dimension.choices, key=float)  # type: ignore[arg-type]  # numbers, by the table
        if limits and "max_levels" in limits:
            largest["max_levels"] = limits["max_levels"]
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
        """Examples of the training part that validate a trial on some split."""
        return self.setup.n_validation

    @property
    def classifies(self) -> bool:
        """True where the dataset has classes."""
        return self.setup.facts.task == "classification"


def network_parameters(features: int, hidden_sizes: tuple[int, ...], outputs: int) -> int:
    """Weights and biases of a dense network."""
    sizes = (features, *hidden_sizes, outputs)
    return sum((a + 1) * b for a, b in pairwise(sizes))
