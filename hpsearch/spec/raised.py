"""A budget that is raised while a search runs, as the fields of the spec that follow from it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from hpsearch.errors import Mistake
from hpsearch.settings import Settings
from hpsearch.spec.budget import BudgetSpec, Unit
from hpsearch.spec.plan import conflicts
from hpsearch.spec.resolved import ResolvedSpec


def unfolded(
    changes: Mapping[str, Any], now: ResolvedSpec, caps: Settings
) -> tuple[dict[str, Any], list[Mistake]]:
    """The changes with the fields that a raised budget stands for in its place, and its mistakes."""
    rest = {name: value for name, value in changes.items() if name != "budget"}
    if "budget" not in changes:
        return rest, []
    mistakes = conflicts(changes)
    try:
        budget = BudgetSpec.model_validate(changes["budget"])
    except ValidationError as error:
        return rest, [*mistakes, *map(_mistake, error.errors(include_url=False))]
    present = _present(now, budget.unit)
    if present is None:
        message = f"this search has no budget of {budget.unit}; edit rounds instead"
        mistakes.append(Mistake(f"budget.{budget.unit}", message))
    elif budget.amount <= present:
        message = f"a budget can be raised alone; it is {present:g} now"
        mistakes.append(Mistake(f"budget.{budget.unit}", message))
    if mistakes:
        return rest, mistakes
    return _fields(rest, budget, now, caps)


def _mistake(item: Any) -> Mistake:
    path = ".".join(["budget", *map(str, item["loc"])])
    return Mistake(path, item["msg"].removeprefix("Value error, "))


def _present(now: ResolvedSpec, unit: Unit) -> float | None:
    """The search's budget in this unit; None where it is bounded otherwise."""
    spec = now.spec
    if unit == "trials":
        bounded = spec.epochs.budget or spec.max_seconds or spec.max_cost
        return None if bounded else now.trials_planned
    if unit == "cost":
        return spec.max_cost
    return spec.epochs.budget if unit == "epochs" else spec.max_seconds


def _fields(
    rest: dict[str, Any], budget: BudgetSpec, now: ResolvedSpec, caps: Settings
) -> tuple[dict[str, Any], list[Mistake]]:
    """The larger limit, and as many more rounds as it pays for, where their number is not edited too."""
    if budget.unit == "seconds":
        return {**rest, "max_seconds": budget.amount}, []
    if budget.unit == "cost":
        return {**rest, "max_cost": budget.amount}, []
    if not isinstance(rest.get("epochs", {}), Mapping):
        return rest, []  # a mistake that whoever checks the other changes finds
    # The cap may be lower now than when the search was submitted.
    counts = range(now.spec.rounds, max(caps.max_rounds, now.spec.rounds) + 1)
    if budget.unit == "epochs":
        epochs = {**rest.get("epochs", {}), "budget": int(budget.amount)}
        enough = bisect_left(counts, budget.amount, key=_by_rounds(now, "epochs_planned"))
        rounds = counts[min(enough, len(counts) - 1)]
        return {"rounds": rounds, **rest, "epochs": epochs}, []
    planned = _by_rounds(now, "trials_planned")
    rounds = counts[bisect_right(counts, budget.amount, key=planned) - 1]
    if rounds == now.spec.rounds and "rounds" not in rest:
        least = planned(rounds + 1)
        message = f"{budget.amount:,.0f} does not pay for another round; the least is {least}"
        return rest, [Mistake("budget.trials", message)]
    return {"rounds": rounds, **rest}, []


def _by_rounds(now: ResolvedSpec, counted: str) -> Callable[[int], int]:
    """The cost of so many rounds, without the present budget."""

    def planned(rounds: int) -> int:
        epochs = now.spec.epochs.model_copy(update={"budget": None})
        spec = now.spec.model_copy(update={"rounds": rounds, "epochs": epochs})
        return int(getattr(ResolvedSpec(spec, now.facts), counted))

    return planned
