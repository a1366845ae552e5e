"""Warm start: what earlier searches have seen, frozen into a new one as its round 0.

The observations are copied: what becomes of an earlier search later changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.errors import InvalidSpec, Mistake
from hpsearch.service.stored import observations, resolved
from hpsearch.space import Choices, Dimension, Level, Params, Space
from hpsearch.spec import ResolvedSpec, SearchSpec
from hpsearch.store import Row, Tx
from hpsearch.trials import Observation, SearchState

SOURCES = (
    SearchState.COMPLETED,
    SearchState.CANCELLED,
    SearchState.FAILED,
    SearchState.PAUSED,
)
TRIALS_MOST = 2_000  # of one earlier search: half the best ones, half the newest
ARCHITECTURE = ("hidden_units", "hidden_layers")


def frozen(tx: Tx, new: ResolvedSpec, *, owner: str) -> list[dict[str, Any]]:
    """The observations that `new` begins with, in the form in which they are stored.

    Raises
    ------
    InvalidSpec
        With a mistake for every earlier search that is not there or not comparable.
    """
    mistakes, lines, seen = list[Mistake](), list[dict[str, Any]](), set[str]()
    for i, search_id in enumerate(new.spec.warm_start):
        row = tx.searches.of(owner, search_id)
        why = f"{search_id} is listed twice" if search_id in seen else _refused(row, new)
        seen.add(search_id)
        if why is None and row is not None:
            taken = _taken(tx, row, new.space)
            lines += [_line(o, source=i + 1) for o in taken]
            if not taken:
                none = not tx.searches.observed(search_id, best=False, limit=1)
                why = f"search {search_id} has no trial" + (
                    " that has ended" if none else " within the limits of this space"
                )
        if why is not None:
            mistakes.append(Mistake(f"warm_start[{i}]", why))
    if mistakes:
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise InvalidSpec(f"the search spec has {count}", mistakes)
    return lines


def _refused(row: Row | None, new: ResolvedSpec) -> str | None:
    """Why a search cannot be built on; None where it can."""
    if row is None:
        return "there is no such search of yours"
    if row.state not in SOURCES:
        return f"search {row.id} is {row.state}; pause it, or wait for its end"
    differing = _differences(resolved(row), new)
    return f"search {row.id} has {'; '.join(differing)}" if differing else None


def _differences(old: ResolvedSpec, new: ResolvedSpec) -> list[str]:
    """In words, what keeps the trials of one search from telling about another."""
    if old.facts.digest != new.facts.digest:
        here, there = new.facts.digest[:12], old.facts.digest[:12]
        return [f"another dataset: {old.spec.dataset!r} of {there}, not {here}"]
    searched, wanted = sorted(old.spec.space), sorted(new.spec.space)
    if searched != wanted:
        return [f"other hyperparameters: {', '.join(searched)}, not {', '.join(wanted)}"]
    one, other = _fixed(old.spec), _fixed(new.spec)
    return [
        f"another {name}: {_shown(one[name])}, not {_shown(other[name])}"
        for name in one
        if one[name] != other[name]
    ]


def _fixed(spec: SearchSpec) -> dict[str, Any]:
    """What must be the same for scores to compare, by path."""
    gone = set(spec.space)
    if gone.intersection(ARCHITECTURE):
        gone.add("hidden_sizes")
    model = spec.model.model_dump()
    return {
        **{f"model.{name}": value for name, value in model.items() if name not in gone},
        "objective": spec.objective,
        "validation.folds": spec.validation.folds,
        "validation.repeats": spec.validation.repeats,
        "validation_fraction": None if spec.validation.folds else spec.validation_fraction,
    }


def _shown(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _taken(tx: Tx, row: Row, space: Space) -> Sequence[Observation]:
    """The observations of a search that lie within the limits of `space`, in order."""
    half = TRIALS_MOST // 2
    rows = [
        *tx.searches.observed(row.id, best=True, limit=half),
        *tx.searches.observed(row.id, best=False, limit=half),
    ]
    distinct = {(r.round, r.idx): r for r in rows}
    ordered = [distinct[key] for key in sorted(distinct)]
    return [o for o in observations(ordered) if _within(space, o.params)]


def _within(space: Space, params: Params) -> bool:
    return all(_allowed(space.dimensions[name], params[name]) for name in space.names)


def _allowed(dimension: Dimension, value: Level) -> bool:
    """Whether a search of this dimension may ever come to `value`."""
    if isinstance(dimension, Choices):
        return dimension.contains(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    low, high = dimension.hard_low, dimension.hard_high
    return (low is None or value >= low) and (high is None or value <= high)


def _line(o: Observation, *, source: int) -> dict[str, Any]:
    return {
        "source": source,
        "params": dict(o.params),
        "state": o.state.value,
        "epochs": o.epochs,
        "correct": o.correct,
        "examples": o.examples,
        "loss": o.loss,
        "score": o.score,
        "curve": [list(point) for point in o.curve],
    }
