"""Training by the caller, who claims the trials of a search and reports their scores."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from hpsearch.errors import Mistake
from hpsearch.reasons import Side
from hpsearch.settings import Settings
from hpsearch.space import Choices, Dimension, Level, Params, Range, Space, unfit
from hpsearch.workloads.base import ValidParts, Workload

NAME = re.compile(r"[^\W\d][\w.-]{0,39}")
TEXT_MAX = 100  # characters of a level
NUMBER_MOST = 1e300
MONTH_SECONDS = 30 * 86_400.0  # of a training, at the most


class External(Workload):
    """A model of the caller's, with hyperparameters of any name."""

    trained_here = False
    left_out = (
        "dataset", "model", "validation_fraction", "validation", "final.train_on",
        "final.networks", "weight",
    )  # fmt: skip
    never_stored = ()
    not_here = "the trials of an external search are trained by its caller, who knows; drop it"
    final_as_long = True
    measures_optimism = False

    @classmethod
    def objectives(cls) -> Sequence[str]:
        """The scores that the caller reports."""
        return ("external",)

    @classmethod
    def mistakes(cls, parts: ValidParts) -> list[Mistake]:
        """Fields that such a search cannot have, and names or levels that nobody could write down."""
        mistakes = super().mistakes(parts)
        for name in parts.searched:
            mistakes += _unprintable(name, parts.space.get(name))
        return mistakes

    @cached_property
    def space(self) -> Space:
        """The asked space; a range grows only where its caller has said how far."""
        return self.setup.space_of({n: _limited(asked) for n, asked in self.setup.space.items()})

    def refusal(self, name: str, value: Level) -> str | None:
        """The reason for a value of another kind; nobody here knows the hyperparameter's domain."""
        asked = self.setup.space[name]
        if isinstance(asked, Range) and asked.scale == "log" and _number(value) and value <= 0:  # type: ignore[operator]  # a number
            return "a log range holds numbers above 0"
        if _number(value) and not abs(value) < NUMBER_MOST:  # type: ignore[arg-type]  # a number
            return f"a number is between -{NUMBER_MOST:g} and {NUMBER_MOST:g}"
        if isinstance(value, str) and not _printable(value):
            return f"a text is printable, of 1 to {TEXT_MAX} characters"
        return unfit(asked, value)

    def ends_at(self, name: str, side: Side, value: float) -> bool:
        """Tell whether `value` looks like a natural end: that of a share, a count or a size.

        A linear range from 0 or more up to 1 holds shares or probabilities; whole numbers count from
        0 or 1, and other values that may not be negative begin at 0.
        """
        asked = self.setup.space[name]
        if not isinstance(asked, Range) or (asked.scale == "log" and not asked.integer):
            return False
        if side is Side.LOW:
            return value == 0 or (asked.integer and value == 1)
        return value == 1 and asked.low >= 0 and not asked.integer

    def seconds(self, trials: Sequence[Params], epochs: int, settings: Settings) -> float:  # noqa: ARG002 - the interface's
        """As long as its user allows a trial, or a month."""
        return self.setup.trial_seconds or MONTH_SECONDS


def _unprintable(name: str, dimension: Dimension | None) -> list[Mistake]:
    path = f"space.{name}"
    if not NAME.fullmatch(name):
        message = "a name has 1 to 40 letters, digits, _, - and dots, and begins with a letter or _"
        return [Mistake(path, message)]
    if not isinstance(dimension, Choices):
        return []
    return [
        Mistake(f"{path}.choices[{i}]", f"a text is printable, of 1 to {TEXT_MAX} characters")
        for i, level in enumerate(dimension.choices)
        if isinstance(level, str) and not _printable(level)
    ]


def _printable(text: str) -> bool:
    return 0 < len(text) <= TEXT_MAX and text.isprintable()


def _number(value: Level) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _limited(dimension: Dimension) -> Dimension:
    """`dimension` with its hard limits filled in.

    Nobody here can tell that a dropout of -0.2 or a batch of a million is nonsense.
    """
    if isinstance(dimension, Choices):
        return dimension
    return dimension.limited(
        dimension.low if dimension.hard_low is None else dimension.hard_low,
        dimension.high if dimension.hard_high is None else dimension.hard_high,
    )
