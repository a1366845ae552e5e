"""The one table of hyperparameters: what each may be, and what it does to a network.

A *shaping* hyperparameter decides which trials can be stacked (`shape_key`). `needs` names
the optimizers (or other settings) for which the hyperparameter has any effect at all:
searching one without effect is a mistake that the user wants to hear about.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hpsearch.errors import Mistake, suggestion
from hpsearch.space import Choices, Dimension, Level, Range

ACTIVATIONS = ("relu", "sigmoid", "tanh")
INITIALIZERS = ("auto", "he", "normal", "xavier", "zeros")
OPTIMIZERS = ("adagrad", "adam", "adamw", "momentum", "nesterov", "rmsprop", "sgd")
SCHEDULES = ("constant", "cosine", "step")
MOMENTUM_USERS = ("momentum", "nesterov")
ADAM_USERS = ("adam", "adamw")
ADAPTIVE = (*ADAM_USERS, "adagrad", "rmsprop")


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """What one hyperparameter may be. Bounds are inclusive; `above_zero` excludes 0."""

    kind: Literal["float", "integer", "level", "sizes"]
    low: float = 0.0
    high: float = 0.0
    above_zero: bool = False
    levels: tuple[Level, ...] = ()
    shaping: bool = False
    needs: Mapping[str, Sequence[Level]] | None = None

    @property
    def domain(self) -> str:
        """The domain in words, for messages."""
        if self.kind == "sizes":
            return f"a list of units, one for each of up to {LAYERS_MAX} hidden layers"
        if self.kind == "level":
            return "one of " + ", ".join(str(x).lower() for x in self.levels)
        whole = "a whole number " if self.kind == "integer" else ""
        start = "above 0" if self.above_zero else f"from {self.low:g}"
        return f"{whole}{start} up to {self.high:g}"

    def accepts(self, value: Level) -> bool:
        """Whether a trial may have `value`."""
        if self.kind == "level":
            return any(value == x and type(value) is type(x) for x in self.levels)
        if self.kind == "sizes":
            units = value if isinstance(value, tuple) else (0,)
            return len(units) <= LAYERS_MAX and all(1 <= n <= UNITS_MAX for n in units)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if not self.low <= value <= self.high or (self.above_zero and value <= 0):
            return False
        return self.kind == "float" or float(value).is_integer()


def _float(
    low: float, high: float, *, above_zero: bool = False, **needs: Sequence[Level]
) -> Hyperparameter:
    return Hyperparameter("float", low, high, above_zero=above_zero, needs=needs or None)


def _shape(low: int, high: int) -> Hyperparameter:
    return Hyperparameter("integer", low, high, shaping=True)


def _levels(*levels: Level, shaping: bool = False) -> Hyperparameter:
    return Hyperparameter("level", levels=levels, shaping=shaping)


BATCH_MAX = 1_000_000  # the dataset's own size is the real bound; `checks` knows it
UNITS_MAX = 4_096
LAYERS_MAX = 10

HYPERPARAMETERS: Mapping[str, Hyperparameter] = {
    "learning_rate": _float(0.0, 1e4, above_zero=True),
    "weight_decay": _float(0.0, 1e3),
    "momentum": _float(0.0, 0.9999, optimizer=MOMENTUM_USERS),
    "beta1": _float(0.0, 0.9999, optimizer=ADAM_USERS),
    "beta2": _float(0.0, 0.999999, optimizer=ADAM_USERS),
    "rho": _float(0.0, 0.999999, optimizer=("rmsprop",)),
    "eps": _float(1e-30, 0.999999, optimizer=ADAPTIVE),
    "dropout": _float(0.0, 0.9),
    "init_std": _float(0.0, 1e3, above_zero=True, initializer=("normal",)),
    "clip_norm": _float(0.0, 1e6, above_zero=True),
    "initializer": _levels(*INITIALIZERS),
    "schedule": _levels(*SCHEDULES),
    "activation": _levels(*ACTIVATIONS, shaping=True),
    "optimizer": _levels(*OPTIMIZERS, shaping=True),
    "batch_norm": _levels(False, True, shaping=True),
    "batch_size": _shape(1, BATCH_MAX),
    "hidden_sizes": Hyperparameter("sizes", shaping=True),
    "hidden_units": _shape(1, UNITS_MAX),
    "hidden_layers": _shape(1, LAYERS_MAX),
}


def mistakes_in(name: str, dimension: Dimension | None) -> list[Mistake]:
    """What is wrong with searching `name` over `dimension`, each with its path.

    `dimension` is None where it did not validate by itself: the name still has to be known.
    """
    path = f"space.{name}"
    known = HYPERPARAMETERS.get(name)
    if known is None:
        question = suggestion(name, HYPERPARAMETERS)
        known_are = f"{question} Known are" if question else "known are"
        every = ", ".join(sorted(HYPERPARAMETERS))
        return [Mistake(path, f"unknown hyperparameter; {known_are} {every}")]
    if dimension is None:
        return []
    if isinstance(dimension, Choices):
        return [
            Mistake(f"{path}.choices[{i}]", f"{_shown(level)} is not {known.domain}")
            for i, level in enumerate(dimension.choices)
            if not known.accepts(level)
        ]
    if known.kind in ("level", "sizes"):
        return [Mistake(path, f'{name} takes {known.domain}; give {{"choices": [...]}}')]
    edges: list[tuple[str, float | None]] = [
        ("low", dimension.low), ("high", dimension.high),
        ("hard_low", dimension.hard_low), ("hard_high", dimension.hard_high),
    ]  # fmt: skip
    return [
        Mistake(f"{path}.{edge}", f"{value:g} is outside what {name} may be: {known.domain}")
        for edge, value in edges
        if value is not None and not known.accepts(value)
    ]


def _shown(level: Level) -> str:
    return reprlib.repr(list(level) if isinstance(level, tuple) else level)


def limited(name: str, dimension: Dimension, *, highest: float | None = None) -> Dimension:
    """`dimension` with its hard limits filled in, for a hyperparameter of that name.

    `highest` lowers the upper bound of the domain (the number of training examples for
    the batch size).
    """
    known = HYPERPARAMETERS[name]
    if isinstance(dimension, Choices):
        return _whole(dimension) if known.kind == "integer" else dimension
    if known.kind == "integer":
        dimension = Range.model_validate({**dimension.model_dump(), "integer": True})
    top = known.high if highest is None else min(known.high, highest)
    return dimension.limited(known.low, top)


def _whole(dimension: Choices) -> Choices:
    """The levels as whole numbers, which they are by the table."""
    return Choices(choices=tuple(int(x) for x in dimension.choices))  # type: ignore[arg-type]  # numbers, by the table


NAME = re.compile(r"[^\W\d][\w.-]{0,39}")
TEXT_MAX = 100  # characters of a level


def free_mistakes(name: str, dimension: Dimension | None) -> list[Mistake]:
    """What is wrong with searching a hyperparameter that only its caller knows."""
    path = f"space.{name}"
    if not NAME.fullmatch(name):
        message = "a name has 1 to 40 letters, digits, _, - and dots, and begins with a letter or _"
        return [Mistake(path, message)]
    if not isinstance(dimension, Choices):
        return []
    return [
        Mistake(f"{path}.choices[{i}]", f"a text is printable, of 1 to {TEXT_MAX} characters")
        for i, level in enumerate(dimension.choices)
        if isinstance(level, str) and not (0 < len(level) <= TEXT_MAX and level.isprintable())
    ]


def free(dimension: Dimension) -> Dimension:
    """`dimension` with its hard limits filled in, where only the caller knows what may be.

    Nobody here can tell that a dropout of -0.2 or a batch of a million is nonsense, so a range
    grows only where its caller has said how far.
    """
    if isinstance(dimension, Choices):
        return dimension
    return dimension.limited(
        dimension.low if dimension.hard_low is None else dimension.hard_low,
        dimension.high if dimension.hard_high is None else dimension.hard_high,
    )
