"""Values as words for people: numbers, durations, ranges, and text that cannot steer a terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from hpsearch.combinations import Level, level_text, same_level
from hpsearch.digits import alone, told_apart
from hpsearch.plural import counted
from hpsearch.states import Basis, Verdict

if TYPE_CHECKING:
    from hpsearch.report.views import (
        BestView,
        LengthView,
        RangeView,
        ResultRangeView,
        SurrogateCheckView,
    )

# Control characters, and those by which a text changes the direction of what stands around it.
_DIRECTIONS = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029}
_CONTROL = dict.fromkeys(
    {*range(32), *range(127, 160), *_DIRECTIONS} - {ord("\n")}, "\N{REPLACEMENT CHARACTER}"
)

CELL_LEVELS = 8  # choices that a cell of a table lists

# Below every list of importances.
IMPORTANCE = (
    "Effect: standard deviation of the score over the range, interactions included. Shares: of the "
    "score's variation there; each counts the interactions it takes part in, so they do not add up."
)

# Below every table of finalists: the first one need not have the best mean.
RANKED = (
    "Ranked by the expected score, the surrogate's estimate from all trials; behind compares full "
    "trainings alone."
)


def plain(text: str) -> str:
    """`text` without the control characters by which it could rewrite the screen."""
    return text.translate(_CONTROL)


def examples(count: int, effective: float | None) -> str:
    """The size of a part, and what it comes to where rows count by weights."""
    size = counted(count, "example")
    return size if effective is None else f"{size} (as many as {effective:.0f} by their weights)"


def verdict(word: str, basis: str | None) -> str:
    """A verdict; where too little was seen to tell values apart, that, and no more."""
    if word == Verdict.UNIDENTIFIED and basis not in (None, Basis.ENOUGH):
        return "not known yet"
    return word.replace("_", " ")


def number(value: float) -> str:
    """`value` with four digits that matter."""
    return f"{value:.4g}"


def share(value: float | None) -> str:
    """A score with four decimals, or six digits of one in other units than shares; or a dash."""
    if value is None:
        return "-"
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 10 else f"{value:.6g}"


def best(found: BestView, objective: str) -> str:
    """The score of the best trial: by the objective that made it the best, and its accuracy."""
    accuracy, score = found.validation_accuracy, found.score
    if objective == "accuracy" or accuracy is None or score is None:
        return share(found.shown)
    return f"score {share(score)} (accuracy {share(accuracy)})"


def surrogate_check(view: SurrogateCheckView) -> str:
    """Return what trials that the surrogate did not see say of it."""
    rank = view.rank_correlation
    ranked = "" if rank is None else f", rank correlation {rank:.2f}"
    return (
        f"Surrogate: {view.inside} of {view.trials} scores lie in the 90 % intervals that it predicts from "
        f"all other trials{ranked}."
    )


def length(view: LengthView) -> str:
    """The length of training for which an answer holds, beside that of the final test."""
    text = f"From trainings of up to {counted(view.trained, 'epoch')}; the final test trains {view.final}"
    if not view.reaches:
        return f"{text}, and no trial was trained as long: the answer is known to hold for the shorter ones."
    if view.trained == view.final:
        return f"{text}."
    return f"{text}, no longer than {counted(view.as_long, 'trial')} of the search."


def signed(value: float) -> str:
    """A difference of scores with its sign."""
    return ("" if value < 0 else "+") + share(value)


def level(value: Level) -> str:
    """A value of a hyperparameter."""
    if isinstance(value, float):
        return alone(value, 4)
    return plain(level_text(value))


Conditions = Mapping[str, Mapping[str, Sequence[Level]]]


def effective(values: Mapping[str, Level], conditions: Conditions) -> dict[str, Level]:
    """A set of hyperparameters without those that have no effect beside the others.

    conditions
        As a status has them in `effective_with`.
    """
    return {
        name: value
        for name, value in values.items()
        if all(values.get(other) in useful for other, useful in conditions.get(name, {}).items())
    }


def params(values: Mapping[str, Level], conditions: Conditions = MappingProxyType({})) -> str:
    """A set of hyperparameters on one line, without those that have no effect in it."""
    shown = effective(values, conditions)
    return "  ".join(f"{plain(name)}={level(value)}" for name, value in shown.items())


def metric(name: str) -> str:
    """A metric of ours by its name: `f0_5` is f0.5, `log_loss` log loss."""
    return re.sub(r"(?<=\d)_(?=\d)", ".", name).replace("_", " ")


def short_span(values: RangeView) -> str:
    """A range for a cell of a table; of many choices their number, and the ends where they are numbers."""
    choices = values.choices or ()
    if len(choices) <= CELL_LEVELS:
        return span(values)
    numbers = [x for x in choices if isinstance(x, int | float) and not isinstance(x, bool)]
    if len(numbers) < len(choices):
        return f"{len(choices)} levels"
    return f"{len(choices)} levels, {level(min(numbers))} to {level(max(numbers))}"


def span(values: RangeView) -> str:
    """A range, `low to high`, or the choices that are left."""
    if values.choices is not None:
        return ", ".join(level(choice) for choice in values.choices)
    if values.low is None or values.high is None:
        return "-"
    if values.integer:
        return f"{values.low:.0f} to {values.high:.0f}"
    width = values.high - values.low
    return " to ".join(told_apart(edge, width, 4) for edge in (values.low, values.high))


def given(values: ResultRangeView) -> str:
    """The condition under which a range speaks, and for how many trials; empty without one."""
    if not values.given:
        return ""
    return f"given {_condition(values.given)}, in {values.trials or 0} of {values.of or 0} trials"


def conditions(by_name: Conditions) -> str:
    """The line of a plan about hyperparameters with conditions: `momentum with optimizer = nesterov`."""
    each = (f"{plain(name)} with {_condition(one)}" for name, one in sorted(by_name.items()))
    return f"searched only where they have an effect: {'; '.join(each)}"


def _condition(levels: Mapping[str, Sequence[Level]]) -> str:
    return " and ".join(
        f"{plain(parent)} = {' or '.join(map(level, some))}" for parent, some in levels.items()
    )


def holds(values: RangeView, value: Level) -> bool:
    """Tell whether a value lies in a range or is one of the choices."""
    if values.choices is not None:
        return any(same_level(value, choice) for choice in values.choices)
    if isinstance(value, int | float) and values.low is not None and values.high is not None:
        return values.low <= value <= values.high
    return False


def outside(ranges: Mapping[str, RangeView], values: Mapping[str, Level]) -> bool:
    """Tell whether a trial with these values lies outside the ranges."""
    return any(name in ranges and not holds(ranges[name], v) for name, v in values.items())


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
