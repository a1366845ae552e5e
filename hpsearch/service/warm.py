"""Warm start: what earlier searches have seen, or others, frozen into a new one as its round 0.

The observations are copied: what becomes of an earlier search later changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.errors import InvalidSpec, Mistake
from hpsearch.plural import counted
from hpsearch.service import given
from hpsearch.service.stored import observations, resolved
from hpsearch.space import Space
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


def frozen(tx: Tx, new: ResolvedSpec, *, owner: str) -> list[dict[str, Any]]:
    """The observations that `new` begins with, in the form in which they are stored.

    Raises
    ------
    InvalidSpec
        With a mistake for every earlier search that is not there or not comparable.
    """
    mistakes, lines, seen = list[Mistake](), list[dict[str, Any]](), set[str]()
    for i, one in enumerate(new.spec.warm_start):
        place = f"warm_start[{i}]"
        found = (
            _of_search(tx, new, one, owner=owner, place=place, again=one in seen)
            if isinstance(one, str)
            else given.taken(one, new, place)
        )
        seen |= {one} if isinstance(one, str) else set()
        mistakes += [item for item in found if isinstance(item, Mistake)]
        lines += [_line(item, source=i + 1) for item in found if isinstance(item, Observation)]
    if mistakes:
        raise InvalidSpec(f"the search spec has {counted(len(mistakes), 'mistake')}", mistakes)
    return lines


def _of_search(
    tx: Tx, new: ResolvedSpec, search_id: str, *, owner: str, place: str, again: bool
) -> Sequence[Observation] | list[Mistake]:
    """The observations of an earlier search, or why there are none."""
    row = tx.searches.of(owner, search_id)
    why = f"{search_id} is listed twice" if again else _refused(row, new)
    if why is None and row is not None:
        taken = _taken(tx, row, new.space)
        if taken:
            return taken
        none = not tx.searches.observed(search_id, best=False, limit=1)
        why = f"search {search_id} has no trial" + (
            " that has ended" if none else " within the limits of this space"
        )
    return [Mistake(place, why or "")]


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
    if old.spec.workload is not new.spec.workload:
        return [f"another objective: {old.spec.objective}, not {new.spec.objective}"]
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
    fixed = spec.workload.fixed(spec.model, spec.space)
    return {
        **{f"model.{name}": value for name, value in fixed.items()},
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
    return [o for o in observations(ordered) if given.within(space, o.params)]


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
