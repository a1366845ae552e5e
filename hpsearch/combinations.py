"""Combinations of values: the hyperparameters that are active beside others, and what is forbidden.

A hyperparameter with a *condition* is active beside some levels of others alone. Its *parents* are the
others, which may have conditions of their own. A trial has values of its active hyperparameters, and of
no other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

Level = bool | int | float | str | tuple[int, ...] | None
Params = Mapping[str, Level]
Condition = Mapping[str, tuple[Level, ...]]
"""Parent -> its levels beside which a hyperparameter is active; all parents have to agree."""
Conditions = Mapping[str, Condition]


def same_level(one: Level, other: Level) -> bool:
    """Compare two levels: 1 and 1.0 are the same, 1 and true are not."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def level_text(level: Level | list[int]) -> str:
    """A level for people and for other programs: a text as it is, anything else as JSON."""
    return level if isinstance(level, str) else json.dumps(level, ensure_ascii=False)


def among(value: Level, levels: Collection[Level]) -> bool:
    """Tell whether a value is one of some levels."""
    return any(same_level(value, level) for level in levels)


def parents_first(names: Collection[str], conditions: Conditions) -> list[str]:
    """Return the names in their order, but each one behind its parents.

    Those of a cycle are left out: they can have no order.
    """
    order: list[str] = []
    left = sorted(names)
    while left:
        free = [n for n in left if all(p in order for p in conditions.get(n, ()))]
        if not free:
            break
        order.append(free[0])
        left.remove(free[0])
    return order


def cycle(name: str, conditions: Conditions) -> list[str]:
    """Return the hyperparameters over which one depends on itself, from it to it; none where it does not."""
    paths: list[list[str]] = [[name]]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        for parent in sorted(conditions.get(path[-1], ())):
            if parent == name:
                return [*path, name]
            if parent not in seen:
                seen.add(parent)
                paths.append([*path, parent])
    return []


def depth(name: str, conditions: Conditions) -> int:
    """Return how many hyperparameters lie one above the other over `name`, where there is no cycle."""
    return max((1 + depth(parent, conditions) for parent in conditions.get(name, ())), default=0)


def needed(name: str, conditions: Conditions) -> dict[str, tuple[Level, ...]]:
    """Return the levels of each hyperparameter above `name` beside which `name` is active.

    No level is left where the conditions on the way contradict each other.
    """
    levels: dict[str, tuple[Level, ...]] = {}
    waiting, seen = [name], {name}
    while waiting:
        for parent, wanted in conditions.get(waiting.pop(), {}).items():
            before = levels.get(parent, wanted)
            levels[parent] = tuple(level for level in before if among(level, wanted))
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return levels


def active(params: Params, order: Sequence[str], conditions: Conditions) -> Params:
    """Return the values of the active hyperparameters among `params`; `order` has parents first."""
    if not conditions:
        return params
    on: dict[str, Level] = {}
    for name in order:
        if name in params and holds(conditions.get(name, {}), on):
            on[name] = params[name]
    return {name: on[name] for name in params if name in on}


def holds(condition: Condition, params: Params) -> bool:
    """Tell whether a condition holds beside these values; without one of a parent it does not."""
    return all(p in params and among(params[p], levels) for p, levels in condition.items())


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Combination:
    """Values that no trial may have together: for each name an interval, or single values."""

    parts: Mapping[str, Interval | tuple[Level, ...]]

    def matches(self, params: Params) -> bool:
        """Tell whether a trial would have them; one without some of the names has not."""
        return all(name in params and _in(part, params[name]) for name, part in self.parts.items())


def _in(part: Interval | tuple[Level, ...], value: Level) -> bool:
    if isinstance(part, tuple):
        return among(value, part)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and part.low <= value <= part.high  # type: ignore[operator]  # a number


def permits(forbidden: Sequence[Combination], params: Params) -> bool:
    """Tell whether a trial may have these values."""
    return not any(one.matches(params) for one in forbidden)
